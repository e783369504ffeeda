"""Planning a batch while the one before it is written: the same answers as one after the other, whatever happens."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from ledger.commit import Prepared
from ledger.errors import ClaimTaken, VersionConflict
from ledger.store import Writer, WriterLimits
from ledger.types import Appended, Claim, Command, Idempotency
from ledger.verify import EntryChecker
from server.db import Database
from tests.support.logs import TestLog, born_log, make_writer, origin_of, public_gift
from tests.support.stores import spend

LIMITS = WriterLimits(ahead_len_min=1)
WAIT_S = 5.0


class Gate:
    """Holds each batch's write until the plan after it is made, or nothing waits to be planned; notes what is used."""

    def __init__(self, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.used = 0
        self._alone = False
        self.before_write: Callable[[], Any] = lambda: None
        committer = writer._committer
        unlocked, write = committer.unlocked, committer._write

        async def noted(connection: Any, commands: Any, prepared: Prepared | None = None, **more: Any) -> Any:
            fits = prepared is not None and prepared.head is committer._left
            self._alone = True
            try:
                plan = await unlocked(connection, commands, prepared, **more)
            finally:
                self._alone = False
            self.used += fits and plan is not None
            return plan

        async def gated(*arguments: Any) -> bool:
            if (ahead := writer._ahead) is not None:
                await asyncio.wait_for(asyncio.shield(ahead), WAIT_S)
            # Under the head's lock nobody else can append, so nothing may wait for somebody who does.
            if self._alone and (act := self.before_write()) is not None:
                await act
            return await write(*arguments)

        monkeypatch.setattr(committer, "unlocked", noted)
        monkeypatch.setattr(committer, "_write", gated)


@asynccontextmanager
async def ahead(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[TestLog, Gate]]:
    """A log whose writer has found itself the only one, and plans ahead from the second waiting command on."""
    async with born_log(database.writer, limits=LIMITS) as log:
        await log.give(1)
        await log.give(1)
        yield log, Gate(log.writer, monkeypatch)


async def judged(log: TestLog) -> EntryChecker:
    """The log as a verifier reads it, and the balances that the database keeps of it."""
    checker = EntryChecker(origin_of("public"), "public")
    for stored in await log.reader.entries(0):
        checker.check(stored.position, stored.bytes)
    rows = await log.pool.fetch("select account, asset, fund, balance from ledger_balances where log = 'public'")
    kept = {(r["account"], r["asset"], r["fund"]): int(r["balance"]) for r in rows if r["balance"]}
    assert kept == checker.balances.through()
    return checker


async def test_batches_planned_ahead_are_written_and_every_rule_holds(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ahead(database, monkeypatch) as (log, gate):
        start = (await log.reader.existing_head()).size
        done = await asyncio.gather(*(log.give(n) for n in range(1, 101)))
        assert sorted(answer.first for answer in done) == list(range(start, start + 100))
        assert gate.used > 3
        await judged(log)


async def test_what_the_batch_before_takes_is_taken_for_the_batch_after_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reads of the second batch are made while the first is not yet there."""
    async with ahead(database, monkeypatch) as (log, gate):
        key, claim = Idempotency(b"k" * 32, b"r" * 32), (Claim("payment", b"p" * 32),)
        twice = [
            Command((public_gift(1),), idempotency=key),
            Command((public_gift(2),), claims=claim),
            Command((public_gift(3),), stream=b"s" * 32, expected_version=0),
        ]
        first, second = [*twice, Command((public_gift(4),))], [Command((public_gift(5),)), *twice]
        done = await asyncio.gather(*(log.writer.append(c) for c in (*first, *second)), return_exceptions=True)
        assert gate.used == 1
        kinds = Counter(type(answer) for answer in done)
        assert kinds == {Appended: 6, ClaimTaken: 1, VersionConflict: 1}
        assert [answer.replayed for answer in done if isinstance(answer, Appended)].count(True) == 1
        await judged(log)


async def test_a_rival_between_two_batches_costs_the_plan_and_nothing_else(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ahead(database, monkeypatch) as (log, gate):
        rival = make_writer(database.writer, "public")
        await rival.start()
        gate.before_write = lambda: rival.append(Command((public_gift(7),), stream=b"s" * 32))
        mine = [log.give(n, stream=b"s" * 32, expected_version=None) for n in range(1, 33)]
        done = await asyncio.gather(*mine)
        await rival.close()
        assert len({answer.first for answer in done}) == 32
        assert len({answer.stream_version for answer in done}) == 32
        await judged(log)


async def test_a_decision_on_sums_waits_for_the_batch_before_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attacks E2: a sum read while a batch is written may hold it or not, so it is read again."""
    async with ahead(database, monkeypatch) as (log, gate):
        spends = [spend(1, "spendable(rent)") for _ in range(8)]
        done = await asyncio.gather(*(log.writer.append(one) for one in spends), return_exceptions=True)
        assert gate.used == 0
        assert sum(isinstance(answer, Appended) for answer in done) == 2
        await judged(log)


async def test_a_connection_that_dies_while_it_reads_ahead_loses_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ahead(database, monkeypatch) as (log, _gate):
        await asyncio.gather(*(log.give(n) for n in range(1, 9)))
        reading = log.writer._reading
        assert reading is not None
        reading.terminate()
        done = await asyncio.gather(*(log.give(n) for n in range(1, 33)))
        assert len({answer.first for answer in done}) == 32
        await judged(log)


async def test_a_batch_that_the_database_rejects_takes_no_other_along(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attacks E11: the batch is halved until the culprit stands alone; the one planned after it is planned anew."""
    async with ahead(database, monkeypatch) as (log, gate):
        failed: list[bool] = []

        async def fail() -> None:
            if not failed:
                failed.append(True)
                raise asyncpg.DataError("rejected")

        gate.before_write = fail
        done = await asyncio.gather(*(log.give(n) for n in range(1, 17)), return_exceptions=True)
        assert [type(answer) for answer in done] == [Appended] * 16
        await judged(log)


async def test_a_writer_that_closes_while_it_plans_ahead_answers_everybody(database: Database) -> None:
    async with born_log(database.writer, limits=LIMITS) as log:
        writer = make_writer(database.writer, "public", limits=LIMITS)
        await writer.start()
        asked = [asyncio.create_task(writer.append(Command((public_gift(n),)))) for n in range(1, 200)]
        await asyncio.sleep(0)
        await writer.close()
        assert len({(await one).first for one in asked}) == 199
        await judged(log)
