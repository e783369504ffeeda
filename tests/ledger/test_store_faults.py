"""The writer under attack: connections cut at COMMIT, rivals, holders that sleep, processes that are killed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

import sql
from ledger.errors import ClockSkew, DatabaseUnavailable, GuardRefused, OutcomeUnknown
from ledger.store import Writer, WriterLimits, _has_ended
from ledger.types import Appended, Command, Companion, Idempotency
from ledger.verify import EntryChecker
from server.db import Database
from tests.support.logs import TestLog, born_log, clock_us, make_writer, public_gift
from tests.support.postgres import SIZES, Server
from tests.support.proxy import Fault, Wire, wire
from tests.support.service import ROOT
from tests.support.stores import spend

Execute = Callable[[str], Awaitable[str]]
KEY = Idempotency(b"k" * 32, b"r" * 32)
NOTHING = {"nothing": "select from unnest($1::jsonb[], $2::bigint[], $3::int[], $4::bool[])"}
# A command with a companion is written under the lock, one without in a single statement: both have a COMMIT to lose.
UNDER_THE_LOCK, ALONE = Companion("nothing", {}), None
COMMITS_IN = {"nothing": b"commit\0", None: b"giving.gift.received.v1"}

SLOW_COMMIT = """
create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(1.6); return null; end';
create constraint trigger slow after insert on ledger_batches deferrable initially deferred
    for each row execute function slow();
"""


async def verified(log: TestLog) -> int:
    """Hold every stored entry against the verifier's own rules; how many there are."""
    checker = EntryChecker(log.origin, log.writer.log)
    while entries := await log.reader.entries(checker.size):
        for entry in entries:
            checker.check(entry.position, entry.bytes)
            assert entry.leaf_hash == checker.prev
    assert checker.size == (await log.reader.existing_head()).size
    return checker.size


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition of the database, at most ten seconds."""
    async with asyncio.timeout(10):
        while not await condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def behind_a_wire(
    server: Server, database: Database, limits: WriterLimits | None = None
) -> AsyncIterator[tuple[Writer, Wire]]:
    """A writer whose connections can be cut, beside the test's own."""
    name = await database.writer.fetchval("select current_database()")
    async with wire(server.service_url(name)) as line:
        far = await Database.open(line.url, SIZES)
        writer = make_writer(far.writer, "public", companions=NOTHING, limits=limits)
        await writer.start()
        try:
            yield writer, line
        finally:
            await writer.close()
            await far.close()


@asynccontextmanager
async def rivals(pool: asyncpg.Pool, number: int) -> AsyncIterator[list[Writer]]:
    """Writers of the same log, as other processes would have them."""
    writers = [make_writer(pool, "public", companions=NOTHING) for _ in range(number)]
    for writer in writers:
        await writer.start()
    yield writers
    for writer in writers:
        await writer.close()


@pytest.mark.parametrize("idempotency", [KEY, None], ids=["with a key", "without a key"])
@pytest.mark.parametrize("companion", [UNDER_THE_LOCK, ALONE], ids=["under the lock", "in one statement"])
@pytest.mark.parametrize("fault", ["answer lost on the way", "commit lost on the way"])
async def test_e1_a_lost_commit_is_asked_for_under_the_head_and_books_once(  # noqa: PLR0917 - a table of faults
    postgres_server: Server,
    database: Database,
    postgres_admin: Execute,
    fault: Fault,
    companion: Companion | None,
    idempotency: Idempotency | None,
) -> None:
    """COMMIT goes on for 1.6 s behind a dead connection: a plain read says "absent", and would book a second time."""
    async with born_log(database.writer) as log, behind_a_wire(postgres_server, database) as (writer, line):
        for _ in range(3):
            await writer.append(Command((public_gift(1),), companion=companion))
        size = await verified(log)
        await postgres_admin(SLOW_COMMIT)
        line.marks, line.fault = COMMITS_IN[companion and companion.name], fault
        command = Command((public_gift(900),), idempotency=idempotency, companion=companion)
        answer = asyncio.create_task(writer.append(command))
        async with asyncio.timeout(10):
            await line.struck.wait()
        assert (await log.reader.existing_head()).size == size
        done = await answer
        assert (done.first, done.replayed) == (size, False)
        assert await verified(log) == size + 1
        if idempotency is not None:
            assert (await writer.append(command)).replayed


async def test_e1_where_the_database_cannot_be_asked_nobody_guesses(
    postgres_server: Server, database: Database, postgres_admin: Execute
) -> None:
    limits = WriterLimits(resolve_timeout_s=0.3, resolve_pause_s=0.05, connect_timeout_s=1.0)
    async with born_log(database.writer) as log, behind_a_wire(postgres_server, database, limits) as (writer, line):
        await writer.append(Command((public_gift(1),)))
        size = await verified(log)
        await postgres_admin(SLOW_COMMIT.replace("1.6", "0.2"))
        line.fault, line.refusing = "answer lost on the way", True
        command = Command((public_gift(900),), idempotency=KEY, companion=UNDER_THE_LOCK)
        answer = asyncio.create_task(writer.append(command))
        async with asyncio.timeout(10):
            await line.struck.wait()
        line.cut()
        with pytest.raises(OutcomeUnknown, match="same idempotency key"):
            await answer
        line.refusing = False
        assert (await writer.append(command)).first == size
        assert await verified(log) == size + 1


@pytest.mark.parametrize("merged", [False, True], ids=["as it is", "merged, to prove the test"])
async def test_e2_what_is_read_after_the_lock_is_what_the_holder_before_left(
    database: Database, *, merged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three spend 600 of 1,000 while the head is held. With lock and read in one statement all of them would."""
    if merged:
        queries = sql.load("ledger")
        monkeypatch.setitem(queries._statements, "lock_head", _MERGED)
        monkeypatch.setitem(queries._statements, "guard_balances", _READ_BACK)
        # On a busy machine one of them may sleep under the lock, lose the head and read again: then two would spend.
        monkeypatch.setattr("ledger.store._BEGIN", "begin isolation level read committed")
    async with born_log(database.writer) as log, rivals(database.writer, 3) as writers:
        await log.give(1_000)
        async with database.publisher.acquire() as holder:
            async with holder.transaction():
                await holder.fetchval("select size from ledger_heads where log = 'public' for update")
                answers = [asyncio.create_task(writer.append(spend(600, "spendable(rent)"))) for writer in writers]

                async def all_wait() -> bool:
                    # For a row, which is the head's: who makes partitions ahead may wait for something else.
                    waiting = await holder.fetchval(
                        "select count(distinct pid) from pg_locks"
                        " where not granted and locktype in ('transactionid', 'tuple')"
                    )
                    return bool(waiting == len(writers))

                await until(all_wait)
            done = await asyncio.gather(*answers, return_exceptions=True)
        spent = sum(isinstance(answer, Appended) for answer in done)
        assert spent == (3 if merged else 1)
        assert sum(isinstance(answer, GuardRefused) for answer in done) == 3 - spent


# The tempting optimisation: balances in the statement that locks, kept in the session for the read that follows.
_MERGED = """
select h.log, h.origin, h.time_zone, h.size, h.last_leaf_hash, h.last_at_us, h.epoch, h.rules_position, h.halted,
       (extract(epoch from clock_timestamp()) * 1000000)::bigint + 0 * length(set_config('merged.balance', (
           select sum(balance)::text from ledger_balances where log = $1 and account = 'assets:cash'), true)) as now_us
from ledger_heads h where log = $1 for update of h
"""
_READ_BACK = """
select 'assets:cash' as account, 'USD/2' as asset, 'rent' as fund, null::bytea as owner,
       current_setting('merged.balance')::numeric as balance
where $1 = 'public' and ($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[]) is not null
"""


async def test_e2_isolation_is_set_explicitly_and_not_left_to_the_database(
    postgres_server: Server, postgres_admin: Execute, database: Database
) -> None:
    name = await database.writer.fetchval("select current_database()")
    await postgres_admin(f"alter database {name} set default_transaction_isolation = 'serializable'")
    async with born_log(database.writer) as log:
        again = await Database.open(postgres_server.service_url(name), SIZES)
        assert await again.writer.fetchval("show transaction_isolation") == "read committed"
        async with rivals(again.writer, 3) as writers:
            done = [writer.append(Command((public_gift(1),))) for writer in writers for _ in range(20)]
            assert all(isinstance(answer, Appended) for answer in await asyncio.gather(*done))
        await again.close()
        await verified(log)


async def test_e11_a_holder_that_sleeps_loses_the_head_and_stops_nobody_for_long(
    database: Database,
) -> None:
    async with born_log(database.writer, companions=NOTHING) as log, rivals(database.writer, 1) as (sleeper,):
        genuine = sleeper._committer.locked
        held = asyncio.Event()

        async def sleeps(connection: asyncpg.pool.PoolConnectionProxy, commands: list[Command]) -> object:
            plan = await genuine(connection, commands)
            held.set()
            await asyncio.sleep(2.5)
            return plan

        sleeper._committer.locked = sleeps  # type: ignore[method-assign,assignment]  # its machine stands still under the lock
        asleep = asyncio.create_task(sleeper.append(Command((public_gift(600),))))
        await held.wait()
        async with asyncio.timeout(2.4):
            await log.give(1)
        sleeper._committer.locked = genuine  # type: ignore[method-assign]  # and wakes
        done = await asleep
        assert done.count == 1
        await verified(log)


async def test_e12_an_entry_far_ahead_of_the_clock_stops_appends(database: Database, postgres_admin: Execute) -> None:
    async with born_log(database.writer) as log:
        await postgres_admin(f"update ledger_heads set last_at_us = {clock_us() + 60_000_000} where log = 'public'")
        with pytest.raises(ClockSkew, match="ahead of the database's clock"):
            await log.give()


async def test_e12_a_long_wait_for_the_lock_is_not_taken_for_a_wrong_clock(database: Database) -> None:
    """The holder gives up without a change: the clock that was read with the lock is then as old as the wait."""
    async with born_log(database.writer) as log, rivals(database.writer, 1) as (writer,):
        async with database.publisher.acquire() as holder, holder.transaction():
            await holder.fetchval("select size from ledger_heads where log = 'public' for update")
            answer = asyncio.create_task(writer.append(Command((public_gift(1),))))
            await holder.execute("select pg_sleep(2.2)")
        assert isinstance(await answer, Appended)
        await verified(log)


async def test_a_connection_that_died_idle_is_replaced_unnoticed(database: Database, postgres_admin: Execute) -> None:
    async with born_log(database.writer) as log:
        await log.give(1)
        writer = log.writer
        await postgres_admin(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'secondwind_service'"
        )

        async def noticed() -> bool:
            return writer._connection is not None and _has_ended(writer._connection)

        await until(noticed)
        assert isinstance(await log.give(2), Appended)


async def test_a_full_disk_refuses_nobody_for_ever(database: Database, postgres_admin: Execute) -> None:
    """What the database cannot do now is said as such: no command is called bad for it."""
    await postgres_admin(
        "create function full_disk() returns trigger language plpgsql as "
        "$$begin raise exception 'no space left on device' using errcode = 'disk_full'; end$$;"
    )
    async with born_log(database.writer) as log:
        await postgres_admin(
            "create trigger full_disk before insert on ledger_batches for each row execute function full_disk()"
        )
        done = await asyncio.gather(*(log.give(1) for _ in range(5)), return_exceptions=True)
        assert [type(answer) for answer in done] == [DatabaseUnavailable] * 5
        await postgres_admin("drop trigger full_disk on ledger_batches")
        await log.give(1)


async def test_four_processes_at_once_leave_one_dense_history(postgres_server: Server, database: Database) -> None:
    async with born_log(database.writer) as log:
        first = await verified(log)
        url = postgres_server.service_url(await database.writer.fetchval("select current_database()"))
        processes = [await _rival(url, 120) for _ in range(4)]
        said = [await process.communicate() for process in processes]
        assert [process.returncode for process in processes] == [0] * 4
        positions = sorted(int(line) for out, _ in said for line in out.split())
        assert positions == list(range(first, first + 480))
        assert await verified(log) == first + 480
        cash = "select sum(balance)::int from ledger_balances where account = 'assets:cash'"
        assert await database.writer.fetchval(cash) == 480


async def test_what_a_killed_process_acknowledged_is_there(postgres_server: Server, database: Database) -> None:
    async with born_log(database.writer) as log:
        url = postgres_server.service_url(await database.writer.fetchval("select current_database()"))
        process = await _rival(url, 0)
        assert process.stdout is not None
        said = [int(await process.stdout.readline()) for _ in range(200)]
        process.kill()
        said += [int(line) for line in (await process.stdout.read()).split(b"\n")[:-1] if line]
        await process.wait()
        await log.give(1)
        assert len(set(said)) == len(said)
        assert await verified(log) > max(said)


async def _rival(url: str, number: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.rival",
        url,
        str(number),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
