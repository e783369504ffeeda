"""One batch in one of two ways: in a single statement while this process is alone, under the lock otherwise."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from ledger import genesis
from ledger.commit import BatchCommitter
from ledger.errors import Fenced, Halted, InvalidCommand, VersionConflict
from ledger.plan import Plan
from ledger.types import Appended, Command, Companion, Idempotency
from server.db import Database
from tests.support.logs import TestLog, born_log, make_writer, public_gift
from tests.support.stores import COMPANIONS, spend

Execute = Callable[[str], Awaitable[str]]
STREAM = b"s" * 32


class Ways:
    """Which way each batch of a writer was committed."""

    def __init__(self, committer: BatchCommitter, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: list[str] = []
        unlocked, locked = committer.unlocked, committer.locked

        async def one(connection: Any, commands: Sequence[Command], *planned: Any, **more: Any) -> Plan | None:
            plan = await unlocked(connection, commands, *planned, **more)
            self.taken += ["alone"] if plan is not None else []
            return plan

        async def other(connection: Any, commands: Sequence[Command]) -> Plan:
            self.taken.append("locked")
            return await locked(connection, commands)

        monkeypatch.setattr(committer, "unlocked", one)
        monkeypatch.setattr(committer, "locked", other)


@asynccontextmanager
async def alone(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[TestLog, Ways]]:
    """A log whose writer has found itself the only one."""
    async with born_log(database.writer, companions=COMPANIONS) as log:
        await log.give(1)
        ways = Ways(log.writer._committer, monkeypatch)
        await log.give(1)
        assert ways.taken == ["alone"]
        ways.taken.clear()
        yield log, ways


@asynccontextmanager
async def rival(database: Database) -> AsyncIterator[Callable[[Command], Awaitable[Appended]]]:
    writer = make_writer(database.writer, "public")
    await writer.start()
    yield writer.append
    await writer.close()


def counted(committer: BatchCommitter, name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that grows with each call of a method."""
    calls: list[str] = []
    method = getattr(committer, name)

    async def noted(*arguments: Any) -> Any:
        calls.append(name)
        return await method(*arguments)

    monkeypatch.setattr(committer, name, noted)
    return calls


async def test_an_append_of_another_writer_costs_a_second_attempt_and_nothing_else(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with alone(database, monkeypatch) as (log, ways), rival(database) as append:
        theirs = await append(Command((public_gift(1),)))
        assert (await log.give(1)).first == theirs.first + 1
        assert ways.taken == ["locked"]
        await log.give(1)
        await log.give(1)
        assert ways.taken == ["locked", "locked", "alone"]


async def test_two_writers_in_turns_do_not_try_in_vain(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with alone(database, monkeypatch) as (log, ways), rival(database) as append:
        for _ in range(5):
            await append(Command((public_gift(1),)))
            await log.give(1)
        assert ways.taken == ["locked"] * 5


async def test_what_a_rival_declared_is_known_before_anything_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with alone(database, monkeypatch) as (log, _), rival(database) as append:
        await append(Command((genesis.fund_declared(genesis.Fund("winter", "restricted", "Coats")),)))
        await log.give(1, fund="winter")


async def test_what_it_read_without_the_lock_holds_only_if_the_head_stood_still(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rival spends the money, takes the stream and uses the key between the reads and the write."""
    key = Idempotency(b"k" * 32, b"r" * 32)
    async with alone(database, monkeypatch) as (log, ways), rival(database) as append:
        committer = log.writer._committer
        genuine = committer._write

        async def overtaken(*arguments: Any) -> bool:
            monkeypatch.setattr(committer, "_write", genuine)
            await append(Command(spend(2).drafts, stream=STREAM, idempotency=key))
            return await genuine(*arguments)

        monkeypatch.setattr(committer, "_write", overtaken)
        done = await asyncio.gather(
            log.give(1, stream=STREAM, expected_version=0),
            log.give(1, idempotency=key),
            log.writer.append(spend(1, "spendable(rent)")),
            log.give(1),
            return_exceptions=True,
        )
        assert ways.taken == ["locked"]
        assert isinstance(done[0], VersionConflict)
        assert isinstance(done[1], Appended)
        assert done[1].replayed
        assert "does not cover" in str(done[2])
        assert isinstance(done[3], Appended)


@pytest.mark.parametrize(
    ("change", "error"), [("halted = 'position 3: changed'", Halted), ("epoch = 7", Fenced)], ids=["halted", "fenced"]
)
async def test_e4_a_halt_or_another_epoch_is_met_without_the_lock_as_well(
    database: Database,
    postgres_admin: Execute,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    error: type[Exception],
) -> None:
    async with alone(database, monkeypatch) as (log, ways):
        size = (await log.reader.existing_head()).size
        await postgres_admin(f"update ledger_heads set {change} where log = 'public'")
        with pytest.raises(error):
            await log.give(1)
        assert ways.taken == ["locked"]
        assert (await log.reader.existing_head()).size == size


async def test_e4_a_fenced_writer_writes_nothing_at_all(database: Database, postgres_admin: Execute) -> None:
    """And whoever starts again, with the epoch as it is now, goes on."""
    async with born_log(database.writer) as log:
        await log.give(1)
        await postgres_admin("update ledger_heads set epoch = 7 where log = 'public'")
        size = (await log.reader.existing_head()).size
        zombie = make_writer(database.writer, "public")
        await zombie.start()
        for _ in range(3):
            with pytest.raises(Fenced, match="at epoch 7, this process started at 1"):
                await zombie.append(Command((public_gift(),)))
        await zombie.close()
        assert await database.writer.fetchval("select count(*) from ledger_entries") == size
        fresh = make_writer(database.writer, "public", epoch=7)
        await fresh.start()
        assert isinstance(await fresh.append(Command((public_gift(),))), Appended)
        await fresh.close()


async def test_a_companion_always_goes_in_the_same_transaction(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with alone(database, monkeypatch) as (log, ways):
        await log.give(1, companion=Companion("check", {"n": 1}))
        assert ways.taken == ["locked"]


async def test_a_lone_append_needs_no_look_at_the_database_s_clock_right_after_another(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with alone(database, monkeypatch) as (log, ways):
        reads = counted(log.writer._committer, "_read", monkeypatch)
        await log.give(1)
        await log.give(1)
        assert (ways.taken, reads) == (["alone", "alone"], [])
        log.writer._committer._noted = replace(log.writer._committer._noted, at_s=-math.inf)
        await log.give(1)
        assert (ways.taken, len(reads)) == (["alone"] * 3, 1)


async def test_a_machine_that_slept_does_not_carry_its_old_clock_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong clock: the loop's clock may stand still in sleep, the wall's does not; then the database is asked."""
    async with alone(database, monkeypatch) as (log, ways):
        noted = log.writer._committer._noted
        log.writer._committer._noted = replace(noted, now_us=noted.now_us - 3_600_000_000)
        await log.give(1)
        assert ways.taken == ["locked"]


async def test_a_refusal_is_decided_under_the_lock(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with alone(database, monkeypatch) as (log, ways):
        with pytest.raises(InvalidCommand):
            await log.give(1, fund="nowhere")
        assert ways.taken == ["locked"]


async def test_rules_that_a_refused_batch_declared_do_not_stay(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with alone(database, monkeypatch) as (log, _):
        fund = genesis.fund_declared(genesis.Fund("winter", "restricted", "Coats"))
        done = await asyncio.gather(
            log.writer.append(Command((fund,), companion=Companion("check", {"n": 0}))), return_exceptions=True
        )
        assert "division by zero" in str(done[0])
        with pytest.raises(InvalidCommand, match="fund-undeclared"):
            await log.give(1, fund="winter")


async def test_a_log_that_was_never_created_is_said(database: Database) -> None:
    writer = make_writer(database.writer, "audit")
    await writer.start()
    with pytest.raises(LookupError, match="audit was not created"):
        await writer.append(Command((public_gift(),)))
    await writer.close()
