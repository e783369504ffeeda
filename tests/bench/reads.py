"""Reading: pages of a long log over HTTP, replay, how long a start takes, and how much room an entry needs."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import asyncpg

from ledger.batches import BatchKey
from ledger.store import Writer
from server.embedded.postgres import EmbeddedPostgres
from tests.bench import public_reads
from tests.bench.append import gift
from tests.bench.context import Context, take_turns
from tests.bench.result import Result, Target
from tests.bench.verify import everything
from tests.support.logs import born_log, clock_us
from tests.support.postgres import opened
from tests.support.service import Service, async_until, service

NAME = "reads"
PAGES_P95_MS = 20.0
ROOM = """
select sum(pg_total_relation_size(c.oid))::float8 from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind = 'r' and c.relname like 'ledger\\_%'
"""


async def run(context: Context) -> list[Result]:
    """Pages, replay and room, starts."""
    return [*await _pages(context), *await _replay(context), await _starts(context)]


async def _pages(context: Context) -> list[Result]:
    entries = context.of(public_reads.ENTRIES)
    context.say(f"reads: pages of {entries:,} entries")
    found = await public_reads.measure(context.server, entries)
    goal = Target("most", PAGES_P95_MS, "design/ledger.md 7: at a million entries", reported=True)
    slowest = max(found, key=lambda kind: found[kind]["p95_ms"])
    return [
        Result(f"GET /api/v1/ledger, {kind}", "ms", [figures["p95_ms"]], target=goal, note="p95")
        for kind, figures in found.items()
        if kind in ("no filter", "fund", "type", "period", "fund and period", "trial balance", "consistency", slowest)
    ]


async def _replay(context: Context) -> list[Result]:
    count = context.of(20_000)
    context.say(f"reads: replay and room of {count:,} entries")
    async with opened(context.server) as database, born_log(database.writer) as log:
        for first in range(0, count, 4_000):
            await asyncio.gather(*(log.writer.append(gift(n)) for n in range(first, min(first + 4_000, count))))

        async def replay() -> float:
            began = time.perf_counter()
            return len(await everything(log.reader)) / (time.perf_counter() - began)

        [rates] = await take_turns(context.runs, [replay])
        name = await database.writer.fetchval("select current_database()")
        admin = await asyncpg.connect(context.server.admin_url(name))
        size = (await log.reader.existing_head()).size
        room = await admin.fetchval(ROOM) / size
        await admin.close()
    return [
        Result("replay, pages of entries from the database", "/s", rates),
        Result("room of an entry, tables and indexes, slots empty", "B", [room]),
    ]


async def _starts(context: Context) -> Result:
    """The service's start on a log of a thousand entries and of a hundred times as many."""
    few, many = 1_000, context.of(100_000)
    context.say(f"reads: starts at {few:,} and at {many:,} entries")

    async def start(running: Service) -> float:
        began = time.perf_counter()
        await asyncio.to_thread(running.start)
        took = time.perf_counter() - began
        await asyncio.to_thread(running.stop)
        return took

    young, old = context.directory / "young", context.directory / "old"
    with service(young) as first, service(old) as second:
        for running, directory, count in ((first, young, few), (second, old, many)):
            await asyncio.to_thread(running.start)
            await _fill(running, directory, count)
            await asyncio.to_thread(running.stop)
        short, long = await take_turns(context.runs, [lambda: start(first), lambda: start(second)])
    source = "design/operations.md: does not grow with the log"
    return Result(f"start at {many:,} entries", "s", long, short, f"at {few:,}", Target("most", 1.5, source))


async def _fill(running: Service, directory: Path, count: int) -> None:
    """Append to the public log as the service's own writer would, and wait until it is signed."""
    pool = await asyncpg.create_pool(
        EmbeddedPostgres(directory).service_url, min_size=2, max_size=4, server_settings={"role": "secondwind_writer"}
    )
    seed = (directory / "keys" / "writer.key").read_bytes()
    writer = Writer(pool, "public", epoch=1, batch_key=BatchKey(seed), clock=clock_us, companions={})
    await writer.start()
    for first in range(0, count, 4_000):
        await asyncio.gather(*(writer.append(gift(n)) for n in range(first, min(first + 4_000, count))))
    await writer.close()
    await pool.close()
    await async_until(lambda: running.json("/status")["checkpoint"]["size"] >= count, "signed", timeout_s=120)
