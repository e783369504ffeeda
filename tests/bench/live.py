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
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from server.embedded.postgres import EmbeddedPostgres
from tests.bench.context import Context
from tests.bench.processor import used_s
from tests.bench.result import Result, Target
from tests.bench.webhooks import KEY, SECRET
from tests.support.service import Service, async_until, service

NAME = "live"
RATE, SECONDS, SUBSCRIBERS = 500.0, 60.0, 100
LOOK_S = 0.004
LINE_BYTES_MAX = 1 << 26
END_TIMEOUT_S = 20.0
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


@dataclass(slots=True)
class Found:
    """What a run saw. `report` is the sender's; `service_s` and `database_s` are the processor time they took."""

    report: dict[str, Any]
    seen: Seen
    emptied_s: float
    service_s: float
    database_s: float


async def run(context: Context) -> list[Result]:
    """Accept times, delivery and checkpoint delays under load, and that nothing is missing afterwards."""
    seconds = max(10.0, SECONDS * context.scale)
    context.say(f"live: {RATE:.0f} webhooks a second for {seconds:.0f} s, {SUBSCRIBERS} subscribers")
    async with _process("webhooks", str(RATE), str(seconds)) as sender:
        base = await _line(sender)
        environment = {"STRIPE_WEBHOOK_SECRETS": SECRET, "STRIPE_API_KEY": KEY, "STRIPE_API_BASE": base}
        with service(context.directory / "data", within=(), **environment) as running:
            await asyncio.to_thread(running.start)
            found = await _gifts(running, sender, context.directory / "got")
            await _hold(running, found.report)
    return _results(found)


async def _gifts(running: Service, sender: Process, file: Path) -> Found:
    """Let the sender send while a hundred listen, until nothing waits any more."""
    seen = Seen()
    async with _process("listeners", running.address, str(SUBSCRIBERS), str(file)) as listeners:
        if await _line(listeners) != "listening":
            raise RuntimeError("the subscribers could not follow the ledger; their error stands above")
        looking = asyncio.create_task(_look(running, seen))
        service_s, database_s = _used_s(running)
        _tell(sender, running.address)
        report = json.loads(await _line(sender))
        ended = time.monotonic()
        await async_until(lambda: _is_settled(running), "an empty inbox", timeout_s=120)
        emptied_s = time.monotonic() - ended
        service_end_s, database_end_s = _used_s(running)
        await asyncio.sleep(1.0)  # the last checkpoint, and the last deliveries
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
    got = array.array("d", await asyncio.to_thread(file.read_bytes))
    seen.delivered = [(int(position), at) for position, at in zip(got[::2], got[1::2], strict=True)]
    return Found(report, seen, emptied_s, service_end_s - service_s, database_end_s - database_s)


@asynccontextmanager
async def _process(module: str, *arguments: str) -> AsyncIterator[Process]:
    """One of ours beside the service; at the end it is told to end, and waited for."""
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", f"tests.bench.{module}", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=LINE_BYTES_MAX)
    try:
        yield process
        _tell(process, "")
        await asyncio.wait_for(process.wait(), END_TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _line(process: Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


def _tell(process: Process, line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n".encode())


def _used_s(running: Service) -> tuple[float, float]:
    """Processor time so far, of the service and of its database, which is its child."""
    assert running.process is not None
    database_s = used_s(running.postmaster_pid())
    return used_s(running.process.pid) - database_s, database_s


def _results(found: Found) -> list[Result]:
    report, seen = found.report, found.seen
    took = report["took_s"]
    delivered = [
        max(0.0, at - seen.published[position]) for position, at in seen.delivered if position < len(seen.published)
    ]
    covered = [
        at - seen.published[position] for position, at in enumerate(seen.covered) if position < len(seen.published)
    ]
    rate = len(took) / (report["ended"] - report["began"])
    told = f"{rate:.0f}/s came, {report['bad']} refused, held back {report['held_back']} times"
    each = 1000 / len(took)
    return [
        _waits("webhook accepted", took, 50, told),
        Result("inbox empty after the last webhook", "s", [found.emptied_s], target=_at_most(2)),
        _waits("entry delivered after its publication", delivered, 100, f"{len(delivered):,} deliveries"),
        _waits("entry covered by a checkpoint after its publication", covered, 1_000),
        Result(
            "processor time of the service, a webhook", "ms", [found.service_s * each], note="all that follows from it"
        ),
        Result("processor time of the database, a webhook", "ms", [found.database_s * each]),
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


def _is_settled(running: Service) -> bool:
    status = running.json("/status")
    logs = status["logs"]
    lags = [row["lag"] for row in status["projections"].values()]
    return not status["inbox"].get("new") and not any(lags) and status["checkpoint"]["size"] == logs["public"]["size"]


async def _hold(running: Service, report: dict[str, Any]) -> None:
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
