"""From a signed event to a proof in a stranger's hands, through real processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import asyncpg
import pytest
import websockets

from ledger import proof
from server.embedded.postgres import EmbeddedPostgres
from server.simulators.stripe.peer import StripePeer
from server.simulators.stripe.state import StripeState
from server.simulators.stripe.tally import Tally
from server.simulators.stripe.traffic import Traffic
from tests.support.service import Service, async_until, service, wait_until

SECRET = "whsec_test"
KEY = "rk_test_e2e"
pytestmark = pytest.mark.timeout(300)


def is_settled(running: Service) -> bool:
    """Nothing waits: every notice is worked, every entry of books is passed on, everything is signed."""
    status = running.json("/status")
    if "inbox" not in status or status["inbox"].get("new") or status["fees_pending"]["count"]:
        return False
    books, public = status["logs"]["books"]["size"], status["logs"]["public"]["size"]
    behind = [row["lag"] for row in status["projections"].values()]
    return books > 0 and not any(behind) and status["checkpoint"]["size"] == public


def received(running: Service) -> dict[str, int]:
    """Published gifts by fund, in cents."""
    funds = running.json("/api/v1/funds")["funds"]
    return {f["fund"]: int(a["received_minor"]) for f in funds for a in f["assets"] if a["asset"] == "USD/2"}


def in_balance(running: Service) -> dict[str, int]:
    """The same, by the newest trial balance."""
    balances = running.json("/api/v1/ledger/trial-balance")["balances"]
    gifts = [line for line in balances if (line["account"], line["asset"]) == ("income:gifts", "USD/2")]
    return {line["fund"]: -int(line["balance_minor"]) for line in gifts}


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
    state, tally = StripeState(), Tally()
    peer = StripePeer(state, KEY)
    environment = {
        "STRIPE_WEBHOOK_SECRETS": SECRET,
        "STRIPE_API_KEY": KEY,
        "STRIPE_API_BASE": await peer.start(),
    }
    with service(tmp_path / "data", **environment) as running:
        address = await asyncio.to_thread(running.start)
        url = f"{address}/api/v1/webhooks/stripe"
        traffic = Traffic(30, "killed", url, SECRET, state=state, tally=tally, delay_factor=0.2)
        giving = asyncio.create_task(traffic.run(gifts_max=150))
        for round_number in range(4):
            await async_until(lambda: bool(running.json("/status").get("size")), "an answer")
            await asyncio.sleep(0.7)  # let it be in the middle of something
            if round_number % 2:
                os.kill(running.postmaster_pid(), signal.SIGKILL)
                await asyncio.sleep(0.2)
            await asyncio.to_thread(running.kill)
            await asyncio.to_thread(running.start)
        await giving
        await async_until(lambda: is_settled(running), f"everything worked: {running.get('/status')!r}")
        assert tally.lost == 0
        status = running.json("/status")
        assert status["inbox"].get("dead", {}) == {}
        code, report = await asyncio.to_thread(running.verify)
        assert (code, report["verdict"], report["unknown_types"]) == (2, "could-not-tell", {}), report
        booked = await booked_gifts(tmp_path / "data")
        assert by_fund(booked, "received") == {fund: amount for (fund, _), amount in tally.received_minor.items()}
        assert sum(row["amount"] for row in booked if row["state"] == "suspense") == tally.suspended_minor["usd"]
        assert sum(row["count"] for row in booked) == tally.gifts - tally.not_held.total()
        assert sum(row["fee"] for row in booked) == tally.fees_minor.total()
        live = [row for row in booked if row["visibility"] == "live"]
        assert received(running) == by_fund(live, "received")
        await async_until(lambda: in_balance(running) == received(running), "the lists, folded through every kill")
    await peer.stop()


async def booked_gifts(data_dir: Path) -> list[asyncpg.Record]:
    """The read model of gifts, summed by fund, visibility and state."""
    connection = await asyncpg.connect(EmbeddedPostgres(data_dir).service_url)
    try:
        return await connection.fetch(
            "select fund, visibility, state, count(*)::int as count, sum(amount_minor)::int as amount,"
            " sum(coalesce(fee_minor, 0))::int as fee from giving_gifts group by fund, visibility, state"
        )
    finally:
        await connection.close()


def by_fund(rows: list[asyncpg.Record], state: str) -> dict[str, int]:
    """Sums of gifts in one state, by fund."""
    sums: dict[str, int] = {}
    for row in rows:
        if row["state"] == state:
            sums[row["fund"]] = sums.get(row["fund"], 0) + row["amount"]
    return sums


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
