"""What is pending and past its time is given back once, whoever sweeps, resolves or crashes at the same moment."""

from __future__ import annotations

import asyncio

import pytest

from ledger.errors import ClaimTaken, DatabaseUnavailable
from ledger.types import Appended, Command, Draft
from tests.server.expiry.books import HOUR_US, Books, moved
from tests.support.logs import HELD


async def test_what_is_past_its_time_is_given_back_once_and_nothing_before(books: Books) -> None:
    now = books.time.clock_us()
    first = await books.hold(100, now + HOUR_US)
    later = await books.hold(7, now + 48 * HOUR_US)
    await books.follow()
    assert await books.pending() == [first, later]
    assert await books.sweeper.step() == 0
    await books.time.go_to("2026-03-05T01:00:05")
    assert await books.sweeper.step() == 1
    assert await books.sweeper.step() == 0
    await books.follow()
    assert await books.pending() == [later]
    assert [entry.refers_to for entry in await books.ended()] == [(first,)]
    assert await books.held() == 7


async def test_of_many_sweepers_one_ends_it(books: Books) -> None:
    """The claim on what is resolved is the writer's own, under the lock; whoever sweeps needs no other."""
    for n in range(5):
        await books.hold(n + 1, books.time.clock_us() + HOUR_US)
    await books.follow()
    await books.time.go_to("2026-03-05T02:00:00")
    done = await asyncio.gather(*(books.sweeper.step() for _ in range(4)))
    assert sum(done) == 5
    assert len(await books.ended()) == 5
    assert await books.held() == 0


async def test_what_was_resolved_at_the_last_moment_is_not_ended_as_well(books: Books) -> None:
    """Also while the index does not know it yet, as after a crash between the append and the index."""
    first = await books.hold(100, books.time.clock_us() + HOUR_US)
    await books.follow()
    await books.time.go_to("2026-03-05T02:00:00")
    spent = Draft(HELD.name, {}, moved(-100), phase="posted", refers_to=(first,))
    answers = await asyncio.gather(
        books.log.writer.append(Command((spent,))), books.sweeper.step(), return_exceptions=True
    )
    posted, swept = answers
    assert isinstance(posted, Appended) != (swept == 1)
    assert isinstance(posted, Appended | ClaimTaken)
    assert await books.sweeper.step() == 0
    await books.follow()
    assert await books.pending() == []
    assert await books.held() == 0


async def test_one_that_cannot_be_ended_holds_up_no_other(books: Books) -> None:
    stuck = await books.hold(100, books.time.clock_us() + HOUR_US)
    other = await books.hold(5, books.time.clock_us() + 2 * HOUR_US)
    await books.follow()
    await books.time.admin.execute("update expiry_pending set expires_at_us = 0")
    assert await books.sweeper.step() == 0
    await books.time.go_to("2026-03-05T02:00:05")
    await books.log.writer.append(Command((Draft(HELD.name, {}, moved(-100), phase="voided", refers_to=(stuck,)),)))
    assert await books.sweeper.step() == 1
    assert [entry.refers_to for entry in await books.ended()] == [(other,)]


async def test_where_nothing_can_be_appended_the_sweeper_says_so(books: Books) -> None:
    await books.hold(100, books.time.clock_us() + HOUR_US)
    await books.follow()
    await books.time.go_to("2026-03-05T02:00:00")
    await books.log.writer.close()
    with pytest.raises(DatabaseUnavailable):
        await books.sweeper.step()
