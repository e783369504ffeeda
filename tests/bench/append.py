"""Appending: the writer beside what one would write without it (design/ledger.md 6)."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import asyncpg

from ledger.store import Writer
from ledger.types import Command
from server.domains.giving.events import PUBLIC_TYPES
from server.vault import vault_at
from tests.bench.context import Context, take_turns
from tests.bench.result import Result, Target
from tests.support.logs import born_log, make_writer, origin_of, public_gift
from tests.support.postgres import opened

NAME = "append"
SOURCE = "design/ledger.md 6"
CALLERS, CONNECTIONS = 256, 32
BYTES = b"x" * 640
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


@dataclass(slots=True)
class Turn:
    """How much was done in a turn, and how long each caller waited."""

    count: int
    seconds: float
    waits_s: list[float]

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    def percentile_ms(self, share: float) -> float:
        return sorted(self.waits_s)[int(share * (len(self.waits_s) - 1))] * 1000


async def callers(count: int, total: int, act: Callable[[int], Awaitable[object]]) -> Turn:
    """`count` callers, each doing one thing after another, `total` things between them."""
    waits: list[float] = []

    async def one(first: int) -> None:
        for n in range(first, total, count):
            began = time.perf_counter()
            await act(n)
            waits.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(one(n) for n in range(min(count, total))))
    return Turn(total, time.perf_counter() - began, waits)


@asynccontextmanager
async def ground(context: Context) -> AsyncIterator[tuple[Writer, asyncpg.Pool, asyncpg.Pool]]:
    """A born log's writer, its pool, and a pool of CONNECTIONS for the baselines in the same database."""
    async with opened(context.server) as database, born_log(database.writer) as log:
        name = await database.writer.fetchval("select current_database()")
        admin = await asyncpg.create_pool(context.server.admin_url(name), min_size=CONNECTIONS, max_size=CONNECTIONS)
        await admin.execute(BASELINE)
        try:
            yield log.writer, database.writer, admin
        finally:
            await admin.close()


async def by_hand(pool: asyncpg.Pool, n: int) -> None:
    """Baseline A: one entry in a transaction of its own, under the head's lock, with all that belongs to it."""
    fund = ("rent", "tech", "general")[n % 3]
    async with pool.acquire() as connection, connection.transaction():
        size = await connection.fetchval("select size from bench_heads where log = 'a' for update")
        await connection.execute(
            "insert into bench_entries values ('a', $1, 'giving.gift.received.v1', '2026-01', $2, $3, sha256($3))",
            *(size, n, BYTES),
        )
        await connection.execute("insert into bench_slots values ('a', $1, $2, '[]')", size, b"x" * 256)
        await connection.execute("insert into bench_batches values ('a', $1, $1, 1, $2)", size, b"x" * 64)
        await connection.execute(
            "insert into bench_balances as old select 'a', b.*, $4 from unnest($1::text[], $2::bytea[], $3::text[],"
            " $5::text[], $6::numeric[]) as b on conflict (log, account, asset, fund, owner)"
            " do update set balance = old.balance + excluded.balance, position = excluded.position",
            *(["assets:cash", "income:gifts"], [b"", b""], ["USD/2", "USD/2"], size, [fund, fund], [n, -n]),
        )
        await connection.execute("update bench_heads set size = $1, last_leaf_hash = sha256($2)", size + 1, BYTES)


async def run(context: Context) -> list[Result]:
    """Rates at several numbers of callers, from several processes, with sealing, alone, and in a longer log."""
    async with ground(context) as (writer, pool, admin):
        found = await _beside_baselines(context, writer, admin)
        found += await _at_other_numbers(context, writer)
        found.append(await _sealed(context, writer))
        found.append(await _lone(context, writer, admin))
        found.append(await _processes(context, pool))
    found.append(await _longer(context))
    return found


def gift(n: int) -> Command:
    return Command((public_gift(100 + n % 9_000, fund=("rent", "tech", "general")[n % 3]),))


async def _beside_baselines(context: Context, writer: Writer, admin: asyncpg.Pool) -> list[Result]:
    p99: list[float] = []

    async def ours() -> float:
        turn = await callers(CALLERS, context.of(15_000), lambda n: writer.append(gift(n)))
        p99.append(turn.percentile_ms(0.99))
        return turn.rate

    async def by_one() -> float:
        return (await callers(CALLERS, context.of(2_000), lambda n: by_hand(admin, n))).rate

    async def plain() -> float:
        insert = "insert into bench_plain (bytes) values ($1)"
        return (await callers(CONNECTIONS, context.of(8_000), lambda _n: admin.execute(insert, BYTES))).rate

    context.say("append: 256 callers, beside transactions of one entry each, beside plain inserts")
    mine, one, inserts = await take_turns(context.runs, [ours, by_one, plain])
    note = f"p99 {max(p99):.0f} ms at worst"
    return [
        Result("append, 256 callers", "/s", mine, one, "a transaction each", Target("least", 10, SOURCE), note),
        Result("append, 256 callers", "/s", mine, inserts, "plain inserts", Target("least", 1.1, SOURCE), note),
    ]


async def _at_other_numbers(context: Context, writer: Writer) -> list[Result]:
    found = []
    for count, total in ((1, 500), (8, 3_000), (64, 10_000), (2_048, 20_000)):
        context.say(f"append: {count} callers")
        many = context.of(total)
        turns = [await callers(count, many, lambda n: writer.append(gift(n))) for _ in range(context.runs)]
        note = f"p50 {turns[-1].percentile_ms(0.5):.1f} ms, p99 {turns[-1].percentile_ms(0.99):.1f} ms"
        found.append(Result(f"append, {count:,} callers", "/s", [turn.rate for turn in turns], note=note))
    return found


async def _sealed(context: Context, writer: Writer) -> Result:
    """Each gift sealed by its own caller, as the service does it. The target is an absolute figure: only reported."""
    vault = vault_at(context.directory / "vault")
    spec = PUBLIC_TYPES[0]

    async def give(n: int) -> None:
        draft = replace(
            public_gift(100 + n % 9_000),
            private=vault.seal_slots(origin_of("public"), spec, {"nonce": f"n-{n}", "giver": "Ada Lovelace"}),
        )
        await writer.append(Command((draft,)))

    context.say("append: sealed by the caller")
    rates = [(await callers(CALLERS, context.of(8_000), give)).rate for _ in range(context.runs)]
    return Result("append and seal, 256 callers", "/s", rates, note="8,000 were asked for")


async def _lone(context: Context, writer: Writer, admin: asyncpg.Pool) -> Result:
    async with admin.acquire() as connection:

        async def insert(_n: int) -> None:
            async with connection.transaction():
                await connection.execute("insert into bench_plain (bytes) values ($1)", BYTES)

        async def ours() -> float:
            return (await callers(1, context.of(500), lambda n: writer.append(gift(n)))).percentile_ms(0.5)

        async def theirs() -> float:
            return (await callers(1, context.of(500), insert)).percentile_ms(0.5)

        context.say("append: a lone caller, beside BEGIN, INSERT, COMMIT")
        mine, other = await take_turns(context.runs, [ours, theirs])
    return Result("a lone append", "ms", mine, other, "BEGIN, INSERT, COMMIT", Target("most", 1.5, SOURCE))


async def _processes(context: Context, pool: asyncpg.Pool) -> Result:
    """Four processes, each with a writer of its own on the same log."""
    name = await pool.fetchval("select current_database()")
    context.say("append: four processes on one log")
    rates = []
    for _ in range(max(1, context.runs // 2)):
        command = [sys.executable, "-m", "tests.bench.append", context.server.service_url(name), str(context.of(5_000))]
        started = [await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE) for _ in range(4)]
        answers = [json.loads((await process.communicate())[0]) for process in started]
        seconds = max(a["end"] for a in answers) - min(a["begin"] for a in answers)
        rates.append(sum(a["count"] for a in answers) / seconds)
    return Result("append, four processes of 64 callers", "/s", rates)


async def _longer(context: Context) -> Result:
    """What an append costs in a log of ten times as many entries, or with --long a thousand times."""
    short, long = context.of(10_000), context.of(10_000_000 if context.long else 100_000)
    context.say(f"append: in a log of {long:,} entries, beside one of {short:,}")

    async def cost(writer: Writer) -> float:
        turn = await callers(64, context.of(5_000), lambda n: writer.append(gift(n)))
        return 1e6 / turn.rate

    async with ground(context) as (young, _, _), ground(context) as (old, _, _):
        await callers(512, short, lambda n: young.append(gift(n)))
        await callers(512, long, lambda n: old.append(gift(n)))
        new, grown = await take_turns(context.runs, [lambda: cost(young), lambda: cost(old)])
    name = f"at {short:,} entries"
    return Result(f"an append at {long:,} entries", "µs", grown, new, name, Target("most", 1.5, SOURCE))


async def _child(url: str, total: int) -> None:
    """One of the four processes."""
    pool = await asyncpg.create_pool(url, min_size=2, max_size=2, server_settings={"role": "secondwind_writer"})
    writer = make_writer(pool, "public")
    await writer.start()
    begin = time.time()
    await callers(64, total, lambda n: writer.append(gift(n)))
    sys.stdout.write(json.dumps({"begin": begin, "end": time.time(), "count": total}))
    await writer.close()
    await pool.close()


if __name__ == "__main__":
    asyncio.run(_child(sys.argv[1], int(sys.argv[2])))
