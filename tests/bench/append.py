"""Appending: the writer beside what one would write without it (design/ledger.md 6)."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import asyncpg
import uvloop

from ledger.store import Writer
from ledger.types import Command
from server.domains.giving.events import GIFT_RECEIVED, PUBLIC_TYPES
from server.vault import vault_at
from tests.bench.context import Context, alternate, callers, take_turns
from tests.bench.result import Result, Target
from tests.support.logs import born_log, make_writer, origin_of, public_gift
from tests.support.postgres import opened

NAME = "append"
SOURCE = "design/ledger.md 6"
CALLERS, CONNECTIONS = 256, 32
BASELINE = """
create table bench_heads (log text primary key, size bigint not null, last_leaf_hash bytea not null)
    with (fillfactor = 50);
insert into bench_heads values ('a', 0, '\\x00');
create table bench_entries (log text, position bigint, type text, period text, at_us bigint, bytes bytea,
    leaf_hash bytea, primary key (log, position));
create table bench_slots (log text, position bigint, slot_hashes bytea, boxes jsonb, primary key (log, position));
create table bench_batches (log text, first bigint, last bigint, epoch bigint, signature bytea,
    primary key (log, first));
create table bench_balances (log text, account text, owner bytea, asset text, fund text, balance numeric,
    position bigint, primary key (log, account, asset, fund, owner)) with (fillfactor = 50);
create table bench_plain (id bigint generated always as identity primary key, bytes bytea not null);
"""

PLAIN = "insert into bench_plain (bytes) values ($1)"


class Lanes:
    """Open connections, one user at a time each.

    No pool: it would reset each connection between two users, a round trip that no baseline should have to pay.
    """

    def __init__(self, connections: Sequence[asyncpg.Connection]) -> None:
        self._idle: asyncio.Queue[asyncpg.Connection] = asyncio.Queue()
        for connection in connections:
            self._idle.put_nowait(connection)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection, once one is idle."""
        connection = await self._idle.get()
        try:
            yield connection
        finally:
            self._idle.put_nowait(connection)


@dataclass(frozen=True, slots=True)
class Ground:
    """A born log with its writer, and lanes for the baselines in the same database. `content`: a gift's bytes."""

    writer: Writer
    url: str
    lanes: Lanes
    content: bytes


@asynccontextmanager
async def ground(context: Context) -> AsyncIterator[Ground]:
    """A log of its own in a database of its own."""
    async with opened(context.server) as database, born_log(database.writer) as log:
        appended = await log.writer.append(gift(0))
        content = (await log.reader.entries(appended.first))[0].bytes
        name = await database.writer.fetchval("select current_database()")
        lanes = [await asyncpg.connect(context.server.admin_url(name)) for _ in range(CONNECTIONS)]
        await lanes[0].execute(BASELINE)
        try:
            yield Ground(log.writer, context.server.service_url(name), Lanes(lanes), content)
        finally:
            for lane in lanes:
                await lane.close()


async def by_hand(ground: Ground, n: int) -> None:
    """Baseline A: one entry in a transaction of its own, under the head's lock, with all that belongs to it."""
    fund = ("rent", "tech", "general")[n % 3]
    async with ground.lanes.one() as connection, connection.transaction():
        size = await connection.fetchval("select size from bench_heads where log = 'a' for update")
        await connection.execute(
            "insert into bench_entries values ('a', $1, 'giving.gift.received.v1', '2026-01', $2, $3, sha256($3))",
            *(size, n, ground.content),
        )
        await connection.execute("insert into bench_slots values ('a', $1, $2, '[]')", size, b"x" * 256)
        await connection.execute("insert into bench_batches values ('a', $1, $1, 1, $2)", size, b"x" * 64)
        await connection.execute(
            "insert into bench_balances as old select 'a', b.*, $4 from unnest($1::text[], $2::bytea[], $3::text[],"
            " $5::text[], $6::numeric[]) as b on conflict (log, account, asset, fund, owner)"
            " do update set balance = old.balance + excluded.balance, position = excluded.position",
            *(["assets:cash", "income:gifts"], [b"", b""], ["USD/2", "USD/2"], size, [fund, fund], [n, -n]),
        )
        await connection.execute(
            "update bench_heads set size = $1, last_leaf_hash = sha256($2)", size + 1, ground.content
        )


async def run(context: Context) -> list[Result]:
    """Rates at several numbers of callers, from several processes, with sealing, alone, and in a longer log."""
    async with ground(context) as made:
        found = await _beside_baselines(context, made)
        found += await _at_other_numbers(context, made.writer)
        found += await _sealed(context, made)
        found += await _lone(context, made)
        found += await _processes(context, made)
    found.append(await _longer(context))
    return found


def gift(n: int) -> Command:
    return Command((public_gift(100 + n % 9_000, fund=("rent", "tech", "general")[n % 3]),))


async def _beside_baselines(context: Context, made: Ground) -> list[Result]:
    waits: list[float] = []

    async def ours() -> float:
        turn = await callers(CALLERS, context.of(15_000), lambda n: made.writer.append(gift(n)))
        waits.extend(turn.waits_ms)
        return turn.rate

    async def by_one() -> float:
        return (await callers(CALLERS, context.of(2_000), lambda n: by_hand(made, n))).rate

    async def plain() -> float:
        return (await callers(CONNECTIONS, context.of(8_000), lambda _n: insert(made))).rate

    context.say(f"append: {CALLERS} callers, beside transactions of one entry each, beside plain inserts")
    mine, one, inserts = await take_turns(context.runs, [ours, by_one, plain])
    claim = f"append, {CALLERS} callers"
    return [
        Result(claim, "/s", mine, one, "a transaction each", Target("least", 10, SOURCE)),
        Result(claim, "/s", mine, inserts, "plain inserts", Target("least", 1.1, SOURCE)),
        Result(f"{claim}, answer", "ms", waits, target=Target("most", 100, SOURCE, reported=True), percentiles=True),
    ]


async def insert(made: Ground) -> None:
    """Baseline B: the same bytes, committed by themselves, with a key and nothing else."""
    async with made.lanes.one() as connection:
        await connection.execute(PLAIN, made.content)


async def _at_other_numbers(context: Context, writer: Writer) -> list[Result]:
    found = []
    for count, total in ((1, 500), (8, 3_000), (64, 10_000), (2_048, 20_000)):
        name = f"append, {count:,} caller{'s' if count > 1 else ''}"
        context.say(name)
        many = max(context.of(total), 2 * count)
        turns = [await callers(count, many, lambda n: writer.append(gift(n))) for _ in range(context.runs)]
        waits = [wait for turn in turns for wait in turn.waits_ms]
        found += [
            Result(name, "/s", [turn.rate for turn in turns]),
            Result(f"{name}, answer", "ms", waits, percentiles=True),
        ]
    return found


async def _sealed(context: Context, made: Ground) -> list[Result]:
    """Each gift sealed by its own caller, as the service does it: in one process, and in two, which fill two cores."""
    context.say("append: sealed by the caller")
    goal = Target("least", 8_000, SOURCE, reported=True)
    found = []
    for processes in (2, 1):
        many = str(context.of(8_000) // processes)
        rates = [
            await _together(made.url, processes, CALLERS // processes, many, "sealed") for _ in range(context.runs)
        ]
        name = "two processes" if processes > 1 else "one process"
        found.append(Result(f"append and seal, {name}", "/s", rates, target=goal if processes > 1 else None))
    return found


async def _lone(context: Context, made: Ground) -> list[Result]:
    """Append by append in turn: the disk's moods outlast hundreds of appends."""
    async with made.lanes.one() as connection:

        async def theirs(_n: int) -> None:
            async with connection.transaction():
                await connection.execute(PLAIN, made.content)

        context.say("append: a lone caller, beside BEGIN, INSERT, COMMIT")
        turns = [
            await alternate(context.of(500), [lambda n: made.writer.append(gift(n)), theirs])
            for _ in range(context.runs + 1)
        ][1:]
    mine, other = ([median(turn[side].waits_ms) for turn in turns] for side in (0, 1))
    return [Result("a lone append", "ms", mine, other, "BEGIN, INSERT, COMMIT", Target("most", 1.5, SOURCE))]


async def _processes(context: Context, made: Ground) -> list[Result]:
    """Four processes with a writer each on the same log, beside one with as many callers."""
    context.say("append: four processes on one log")
    many = context.of(12_000)

    async def four() -> float:
        return await _together(made.url, 4, CALLERS // 4, str(many // 4), "plain")

    async def one() -> float:
        return await _together(made.url, 1, CALLERS, str(many), "plain")

    several, alone = await take_turns(context.runs, [four, one])
    return [Result("append, four processes of 64 callers", "/s", several, alone, "one process of 256")]


async def _longer(context: Context) -> Result:
    """What an append costs in a log of ten times as many entries, or with --long a thousand times."""
    short, long = context.of(10_000), context.of(10_000_000 if context.long else 100_000)
    context.say(f"append: in a log of {long:,} entries, beside one of {short:,}")

    async def cost(writer: Writer) -> float:
        turn = await callers(64, context.of(5_000), lambda n: writer.append(gift(n)))
        return 1e6 / turn.rate

    async with ground(context) as young, ground(context) as old:
        await callers(512, short, lambda n: young.writer.append(gift(n)))
        await callers(512, long, lambda n: old.writer.append(gift(n)))
        new, grown = await take_turns(context.runs, [lambda: cost(young.writer), lambda: cost(old.writer)])
    name = f"at {short:,} entries"
    return Result(f"an append at {long:,} entries", "µs", grown, new, name, Target("most", 1.5, SOURCE))


async def _together(url: str, processes: int, count: int, many: str, kind: str) -> float:
    """The rate of so many processes on one log, from when all are ready until the last is done."""
    command = [sys.executable, "-m", "tests.bench.append", url, str(count), many, kind]
    pipe = asyncio.subprocess.PIPE
    started = [await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe) for _ in range(processes)]
    for process in started:
        assert process.stdout is not None
        await process.stdout.readline()
    answers = [json.loads(out) for out, _ in await asyncio.gather(*(process.communicate(b"\n") for process in started))]
    seconds = max(a["end"] for a in answers) - min(a["begin"] for a in answers)
    return float(sum(a["count"] for a in answers) / seconds)


async def _child(url: str, count: int, total: int, kind: str) -> None:
    """One of several processes: it says that it is ready, waits for a line, appends, and says how that went."""
    pool = await asyncpg.create_pool(url, min_size=2, max_size=2, server_settings={"role": "secondwind_writer"})
    writer = make_writer(pool, "public")
    spec = next(spec for spec in PUBLIC_TYPES if spec.name == GIFT_RECEIVED)
    with tempfile.TemporaryDirectory(prefix="secondwind-bench-") as directory:
        vault = vault_at(Path(directory))

        def command(n: int) -> Command:
            if kind == "plain":
                return gift(n)
            slots = {"nonce": f"n-{n}", "giver": "Ada Lovelace"}
            private = vault.seal_slots(origin_of("public"), spec, slots)
            return Command((replace(gift(n).drafts[0], private=private),))

        await writer.start()
        await callers(count, 2 * count, lambda n: writer.append(command(n)))  # warm
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        begin = time.time()
        await callers(count, total, lambda n: writer.append(command(n)))
        sys.stdout.write(json.dumps({"begin": begin, "end": time.time(), "count": total}))
        await writer.close()
    await pool.close()


if __name__ == "__main__":
    uvloop.run(_child(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
