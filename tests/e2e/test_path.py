"""From a signed event to a proof in a stranger's hands, through real processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import websockets

from ledger import proof
from server.embedded.postgres import EmbeddedPostgres
from tests.support.audit import read_books
from tests.support.giving import giving
from tests.support.service import Service, async_until, service, wait_until

pytestmark = pytest.mark.timeout(300)


def test_a_demo_runs_and_a_stranger_verifies_it(tmp_path: Path) -> None:
    with service(tmp_path / "data", "--demo", "--rate", "40") as running:
        running.start()
        wait_until(lambda: running.json("/status")["size"] > 300, "300 public entries")
        pinned = tmp_path / "seen.txt"
        code, report = running.verify("--first-use", str(pinned))
        assert (code, report["verdict"]) == (2, "could-not-tell"), report
        wait_until(lambda: running.json("/status")["checkpoint"]["size"] > report["size"], "growth")
        code, report = running.verify("--trusted", str(pinned))
        assert (code, report["verdict"]) == (0, "verified"), report
        assert report["mode"] == "demo"
        text = running.get("/api/v1/ledger/proof/30").decode()
        proof.verify_tlog_proof(text, running.get("/api/v1/ledger/entries/30"), running.vkey())
        assert running.json("/status")["halted"] is None
        assert running.stop() == 0


async def test_killed_again_and_again_every_gift_is_booked_once(tmp_path: Path) -> None:
    async with giving() as sender:
        with service(tmp_path / "data", **sender.environment) as running:
            await asyncio.to_thread(running.start)
            gifts = asyncio.create_task(sender.give(running, 150, rate=30, seed="killed"))
            for round_number in range(4):
                await async_until(lambda: bool(running.json("/status").get("size")), "an answer")
                await asyncio.sleep(0.7)  # let it be in the middle of something
                if round_number % 2:
                    os.kill(running.postmaster_pid(), signal.SIGKILL)
                    await asyncio.sleep(0.2)
                await asyncio.to_thread(running.kill)
                await asyncio.to_thread(running.start)
            await gifts
            admin_url = EmbeddedPostgres(tmp_path / "data").admin_url
            await sender.settled(running, admin_url)
            await sender.hold(admin_url)
            code, report = await asyncio.to_thread(running.verify)
            assert (code, report["verdict"], report["unknown_types"]) == (2, "could-not-tell", {}), report
            told = partial(is_told_alike, running, admin_url)
            await async_until(told, "the lists, folded through every kill, and what is due")


def is_told_alike(running: Service, admin_url: str) -> bool:
    """Whether the funds and the trial balance hold exactly the gifts that do not wait."""
    due = Counter[tuple[str, str]]()
    for (fund, asset, amount), count in asyncio.run(read_books(admin_url)).due.items():
        due[fund, asset] += amount * count
    return received(running) == due == in_balance(running)


def in_balance(running: Service) -> dict[tuple[str, str], int]:
    """The same as `received`, by the newest trial balance."""
    balances = running.json("/api/v1/ledger/trial-balance")["balances"]
    gifts = [line for line in balances if line["account"] == "income:gifts"]
    return {(line["fund"], line["asset"]): -int(line["balance_minor"]) for line in gifts}


def received(running: Service) -> dict[tuple[str, str], int]:
    """Published gifts by fund and asset, in minor units, as the API tells them."""
    funds = running.json("/api/v1/funds")["funds"]
    sums = {(f["fund"], a["asset"]): int(a["received_minor"]) for f in funds for a in f["assets"]}
    return {key: amount for key, amount in sums.items() if amount}


async def test_a_subscriber_misses_and_repeats_nothing_across_a_kill(tmp_path: Path) -> None:
    with service(tmp_path / "data", "--demo", "--rate", "40") as running:
        await asyncio.to_thread(running.start)
        seen: list[str] = []
        epoch, last = "", -1
        for target in (60, 120, 180):
            url = f"{running.address.replace('http', 'ws')}/v1/ws"
            async with websockets.connect(url, subprotocols=["rt.v1.json"]) as socket:  # type: ignore[list-item]  # a str
                await socket.send(json.dumps({"t": "hello", "v": 1}))
                start = {"e": epoch, "p": last} if epoch else "start"
                await socket.send(json.dumps({"t": "sub", "id": 1, "s": "ledger", "from": start, "credit": 4}))
                async with asyncio.timeout(60):
                    while last < target:
                        message = json.loads(await socket.recv())
                        if message["t"] == "ok":
                            epoch = message["e"]
                        elif message["t"] == "ev":
                            assert message["after"] == last
                            last = message["p"]
                            seen.append(message["d"])
                        assert message["t"] != "gap"
            await asyncio.to_thread(running.kill)
            await asyncio.to_thread(running.start)
        stored = [running.get(f"/api/v1/ledger/entries/{n}").decode() for n in range(0, last + 1, 17)]
        assert stored == seen[::17]
        assert [json.loads(entry)["position"] for entry in seen] == list(range(last + 1))
