"""The closer on a real log: months close in order, once, on the balances that a stranger replays."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import pytest

from ledger.declared import CLOSED
from ledger.types import Appended, Command, LogName
from ledger.verify import EntryChecker
from server.closing.closer import Closer
from server.db import Database
from tests.support.calendar import Calendar, calendar
from tests.support.logs import TestLog, born_log, clock_us, origin_of, public_gift
from tests.support.postgres import Server


@pytest.fixture
async def year(postgres_server: Server) -> AsyncIterator[Calendar]:
    """A database in which it is the first of January 2026."""
    async with calendar(postgres_server) as made:
        await made.go_to("2026-01-01T00:00:10")
        yield made


def closer(year: Calendar, log: TestLog) -> Closer:
    return Closer(year.pool, log.reader, log.writer, year.clock_us)


async def judged(log: TestLog) -> tuple[list[str], EntryChecker]:
    """The months that were closed, in their order, and the verifier's state at the end of the log."""
    checker = EntryChecker(origin_of("public"), "public")
    entries = [checker.check(stored.position, stored.bytes) for stored in await log.reader.entries(0)]
    return [entry.period for entry in entries if entry.type == CLOSED], checker


async def drained(one: Closer) -> int:
    """Step until nothing is due; how many months were closed."""
    count = 0
    while await one.step():
        count += 1
    return count


async def test_a_year_of_months_closes_in_order_and_the_log_verifies_at_its_end(year: Calendar) -> None:
    async with born_log(year.pool, clock=year.clock_us) as log:
        made, closed = closer(year, log), 0
        for month in range(1, 13):
            await year.go_to(f"2026-{month:02}-04T23:59:00")
            await log.give(100 * month)
            assert await drained(made) == 0
            await year.go_to(f"2026-{month:02}-05T00:00:10")
            closed += await drained(made)
        months, checker = await judged(log)
        assert months == [f"2026-{month:02}" for month in range(1, 12)]
        assert closed == len(months)
        assert checker.overdue() is None


async def test_months_missed_while_nothing_ran_are_made_up_for_oldest_first(year: Calendar) -> None:
    """Attacks A11: a log is not overdue for longer than its closer needs to run."""
    async with born_log(year.pool, clock=year.clock_us) as log:
        await log.give(70)
        await year.go_to("2026-05-20T00:00:00")
        await log.give(5)
        assert (await judged(log))[1].overdue() == "2026-01"
        assert await drained(closer(year, log)) == 4
        months, checker = await judged(log)
        assert months == ["2026-01", "2026-02", "2026-03", "2026-04"]
        assert checker.overdue() is None


async def test_what_is_booked_into_the_month_before_is_counted_in_its_close(year: Calendar) -> None:
    async with born_log(year.pool, clock=year.clock_us) as log:
        await log.give(500)
        await year.go_to("2026-02-04T00:00:00")
        await log.give(7)
        await log.writer.append(Command((dataclasses.replace(public_gift(20), period="2026-01"),)))
        await year.go_to("2026-02-05T00:00:01")
        assert await drained(closer(year, log)) == 1
        _, checker = await judged(log)
        assert checker.balances.through("2026-01")["assets:cash", "USD/2", "rent"] == 520


async def test_four_closers_close_a_month_once(year: Calendar) -> None:
    async with born_log(year.pool, clock=year.clock_us) as log:
        await log.give(70)
        await year.go_to("2026-02-05T00:00:01")
        done = await asyncio.gather(*(closer(year, log).step() for _ in range(4)))
        assert sorted(done) == [0, 0, 0, 1]
        assert (await judged(log))[0] == ["2026-01"]


async def test_a_posting_that_comes_between_reading_and_closing_makes_it_read_again(year: Calendar) -> None:
    async with born_log(year.pool, clock=year.clock_us) as log:
        await log.give(70)
        await year.go_to("2026-02-05T00:00:01")

        class Between:
            """Somebody appends into the month just before the close does."""

            async def append(self, command: Command) -> Appended:
                await log.writer.append(Command((dataclasses.replace(public_gift(1), period="2026-01"),)))
                return await log.writer.append(command)

        assert await Closer(year.pool, log.reader, Between(), year.clock_us).step() == 0
        assert await closer(year, log).step() == 1
        assert (await judged(log))[1].balances.through("2026-01")["assets:cash", "USD/2", "rent"] == 71


async def test_a_machine_whose_clock_is_ahead_closes_nothing(database: Database) -> None:
    """The writer goes by the database's clock, under the lock; the closer is refused and tells it."""
    async with born_log(database.writer) as log:
        await log.give(70)
        ahead = Closer(database.writer, log.reader, log.writer, lambda: clock_us() + 60 * 86_400_000_000)
        assert await ahead.step() == 0
        assert (await judged(log))[0] == []


@pytest.mark.parametrize("log_name", ["audit", "books"])
async def test_logs_without_money_in_a_month_close_too(postgres_server: Server, log_name: LogName) -> None:
    async with calendar(postgres_server) as made:
        await made.go_to("2026-01-01T00:00:10")
        async with born_log(made.pool, log_name, clock=made.clock_us) as log:
            await made.go_to("2026-02-06T00:00:00")
            assert await drained(closer(made, log)) == 1
