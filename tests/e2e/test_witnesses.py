"""A service, and a witness in another process: what it says is served, and its death stops nothing (attacks A3)."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import websockets

from ledger import checkpoint, cosignature
from ledger.note import SigningKey, VerifyKey
from tests.support.service import Service, service, wait_until
from tests.support.witnesses import request, signed, witness_process
from tests.vectors.trees import KEY

pytestmark = pytest.mark.timeout(120)
ORIGIN = "ledger.example.org/ledger"
LOG_KEY = SigningKey(ORIGIN, bytes(range(100, 132)))


def size(running: Service) -> int:
    return checkpoint.open(running.get("/ledger/checkpoint"), LOG_KEY.verify_key).size


def witnessed_size(running: Service) -> int:
    """0 before anybody cosigned."""
    told = running.get("/ledger/checkpoint.witnessed")
    return 0 if told.startswith(b"{") else checkpoint.open(told, LOG_KEY.verify_key).size


def test_a_log_is_witnessed_by_another_process_and_witnesses_a_third(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "keys").mkdir(parents=True)
    (data / "keys" / "log-public.key").write_bytes(bytes(range(100, 132)))
    policy = tmp_path / "policy"
    with witness_process(tmp_path / "w", LOG_KEY.vkey) as one:
        policy.write_text(f"log {KEY.vkey}\nwitness one {one.vkey} {one.address}\nquorum one\n")
        with service(
            data,
            *("--demo", "--rate", "5"),
            SECONDWIND_ORIGIN=ORIGIN,
            SECONDWIND_WITNESSES=str(policy),
            SECONDWIND_WITNESS_INTERVAL_S="0.2",
        ) as running:
            running.start()
            wait_until(lambda: witnessed_size(running) > 0, "the witness has cosigned")
            told = running.get("/ledger/checkpoint.witnessed")
            assert [c.key for c in cosignature.read(told, [one.key])] == [one.key]
            fact = running.json("/status")["witnessed"]
            assert (fact["by"], fact["quorum_age_s"] < 60) == (["one"], True)
            assert b"secondwind_witnessed_quorum_age_s" in running.get("/metrics")

            assert [c.key for c in cosignature.read(asyncio.run(told_live(running)), [one.key])] == [one.key]

            # A3: with one outside view that the reader chose himself, the verifier says yes.
            code, report = running.verify("--witness", one.vkey)
            assert (code, report["verdict"]) == (0, "verified"), report

            one.kill()
            before = size(running)
            wait_until(lambda: size(running) > before, "checkpoints go on without the witness")
            behind = witnessed_size(running)
            one.start()
            wait_until(lambda: witnessed_size(running) > max(before, behind), "the witness goes on where it was")

            line = add_checkpoint(running, request(0, 5))
            name = f"{ORIGIN}/witness"
            assert line.startswith(f"\u2014 {name} ")
            newest = running.get(f"/ledger/witness/{sha256(KEY.name.encode()).hexdigest()}/checkpoint").decode()
            assert newest == signed(5) + line
            own = VerifyKey.parse(running.json("/status")["witness_for_others"]["key"])
            assert [c.key for c in cosignature.read(newest, [own])] == [own]


async def told_live(running: Service) -> str:
    """What a socket is told of witnesses."""
    url = f"{running.address.replace('http', 'ws')}/v1/ws"
    async with websockets.connect(url, subprotocols=["rt.v1.json"]) as socket:  # type: ignore[list-item]  # a str
        await socket.send(json.dumps({"t": "hello", "v": 1}))
        await socket.send(json.dumps({"t": "sub", "id": 1, "s": "ledger", "from": "start", "credit": 4}))
        async with asyncio.timeout(30):
            while True:
                message = json.loads(await socket.recv())
                if message["t"] == "checkpoint.witnessed":
                    return str(message["note"])


def add_checkpoint(running: Service, body: bytes) -> str:
    asked = Request(f"{running.address}/ledger/witness/add-checkpoint", data=body, method="POST")  # noqa: S310 - our own service
    with urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own service
        return str(answer.read().decode())
