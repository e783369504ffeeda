"""Gifts as they come: webhooks in an open loop, a hundred subscribers, and how soon each entry is seen and covered.

The sender is a process of its own on the same cores. When an entry was published is asked of the database every few
milliseconds; when it was delivered, each of the subscribers says.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from server.embedded.postgres import EmbeddedPostgres
from tests.bench.context import Context
from tests.bench.result import Result, Target
from tests.bench.webhooks import KEY, SECRET
from tests.support.service import Service, async_until, service

NAME = "live"
RATE, SECONDS, SUBSCRIBERS = 500.0, 60.0, 100
LOOK_S = 0.004
SOURCE = "design/operations.md, Tests and targets"
BOOKED = """select fund, asset, sum(amount_minor)::bigint as amount from giving_gifts
    where state = 'received' group by fund, asset"""
SIZES = """select (select size from ledger_heads where log = 'public') as size,
    (select max(size) from ledger_checkpoints where log = 'public') as signed"""


@dataclass(slots=True)
class Seen:
    """When each position was published, delivered to each subscriber, and covered by a checkpoint."""

    published: list[float] = field(default_factory=list)
    covered: list[float] = field(default_factory=list)
    delivered: list[tuple[int, float]] = field(default_factory=list)


async def run(context: Context) -> list[Result]:
    """Accept times, delivery and checkpoint delays under load, and that nothing is missing afterwards."""
    seconds = max(10.0, SECONDS * context.scale)
    context.say(f"live: {RATE:.0f} webhooks a second for {seconds:.0f} s, {SUBSCRIBERS} subscribers")
    command = [sys.executable, "-m", "tests.bench.webhooks", str(RATE), str(seconds)]
    pipe = asyncio.subprocess.PIPE
    sender = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=1 << 26)
    assert sender.stdin is not None
    assert sender.stdout is not None
    base = (await sender.stdout.readline()).decode().strip()
    environment = {"STRIPE_WEBHOOK_SECRETS": SECRET, "STRIPE_API_KEY": KEY, "STRIPE_API_BASE": base}
    with service(context.directory / "data", **environment) as running:
        await asyncio.to_thread(running.start)
        seen = Seen()
        async with _listening(running, context.directory / "got", seen):
            looking = asyncio.create_task(_look(running, seen))
            sender.stdin.write(f"{running.address}\n".encode())
            report = json.loads(await sender.stdout.readline())
            began = time.monotonic()
            await async_until(lambda: _is_settled(running), "an empty inbox", timeout_s=120)
            emptied = time.monotonic() - began
            await asyncio.sleep(1.0)
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking
        sender.stdin.write(b"\n")
        await sender.wait()
        await _hold(running, report)
    return _results(seen, report, emptied)


def _results(seen: Seen, report: dict[str, list[float]], emptied: float) -> list[Result]:
    took = report["took_s"]
    delivered = [
        max(0.0, at - seen.published[position]) for position, at in seen.delivered if position < len(seen.published)
    ]
    covered = [
        at - seen.published[position] for position, at in enumerate(seen.covered) if position < len(seen.published)
    ]
    rate = len(took) / (report["ended"] - report["began"])  # type: ignore[operator]  # two times
    told = f"{rate:.0f}/s came, {report['bad']} refused, held back {report['held_back']} times"
    return [
        _waits("webhook accepted", took, 50, told),
        Result("inbox empty after the last webhook", "s", [emptied], target=_at_most(2)),
        _waits("entry delivered after its publication", delivered, 100, f"{len(delivered):,} deliveries"),
        _waits("entry covered by a checkpoint after its publication", covered, 1_000),
    ]


def _waits(claim: str, seconds: list[float], at_most_ms: float, note: str = "") -> Result:
    waits = [wait * 1000 for wait in seconds]
    return Result(claim, "ms", waits, target=_at_most(at_most_ms), note=note, percentiles=True)


def _at_most(bound: float) -> Target:
    return Target("most", bound, SOURCE, reported=True)


async def _look(running: Service, seen: Seen) -> None:
    """Note when the public log and its newest checkpoint reached each size."""
    connection = await asyncpg.connect(EmbeddedPostgres(running.data_dir).admin_url)
    try:
        while True:
            row = await connection.fetchrow(SIZES)
            assert row is not None
            now = time.time()
            seen.published += [now] * ((row["size"] or 0) - len(seen.published))
            seen.covered += [now] * ((row["signed"] or 0) - len(seen.covered))
            await asyncio.sleep(LOOK_S)
    finally:
        await connection.close()


@asynccontextmanager
async def _listening(running: Service, file: Path, seen: Seen) -> AsyncIterator[None]:
    """SUBSCRIBERS follow the ledger meanwhile; afterwards `seen` holds what they got."""
    command = [sys.executable, "-m", "tests.bench.listeners", running.address, str(SUBSCRIBERS), str(file)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        assert process.stdout is not None
        if not await process.stdout.readline():
            raise RuntimeError("the subscribers could not follow the ledger; their error stands above")
        yield
    finally:
        await process.communicate(b"\n")
    got = array.array("d", await asyncio.to_thread(file.read_bytes))
    seen.delivered += [(int(position), at) for position, at in zip(got[::2], got[1::2], strict=True)]


def _is_settled(running: Service) -> bool:
    status = running.json("/status")
    logs = status["logs"]
    lags = [row["lag"] for row in status["projections"].values()]
    return not status["inbox"].get("new") and not any(lags) and status["checkpoint"]["size"] == logs["public"]["size"]


async def _hold(running: Service, report: dict[str, dict[str, int]]) -> None:
    """What the books received is what the sender knows to have given, to the cent."""
    if report["lost"]:
        raise AssertionError(f"{report['lost']} notices were never acknowledged")
    connection = await asyncpg.connect(EmbeddedPostgres(running.data_dir).admin_url)
    try:
        rows = await connection.fetch(BOOKED)
    finally:
        await connection.close()
    booked = {f"{row['fund']} {row['asset'].partition('/')[0].lower()}": row["amount"] for row in rows}
    if booked != report["received"]:
        raise AssertionError(f"booked {booked}, given {report['received']}")
