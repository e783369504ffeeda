"""The index of what is pending: a fold of `books`."""

from __future__ import annotations

from ledger import canonical
from ledger.types import Command, Draft
from tests.server.expiry.books import HOUR_US, Books, moved
from tests.support.logs import HELD


async def test_the_index_is_a_fold_and_the_same_when_it_is_built_again(books: Books) -> None:
    now = books.time.clock_us()
    first = await books.hold(1, now + HOUR_US)
    await books.hold(2, now + HOUR_US)
    voided = Draft(HELD.name, {}, moved(-1), phase="voided", refers_to=(first,))
    both = Draft(HELD.name, {}, moved(3), phase="pending", expires_at_us=now + HOUR_US)
    size = (await books.log.reader.existing_head()).size
    at_once = Draft(HELD.name, {}, moved(-3), phase="posted", refers_to=(size + 1,))
    await books.log.writer.append(Command((voided, both, at_once)))
    await books.follow()
    assert await books.pending() == [first + 1]
    await books.time.pool.execute("delete from expiry_pending")
    await books.time.pool.execute("update ledger_tracking set next = 0 where projection = 'expiry_pending'")
    await books.follow()
    assert await books.pending() == [first + 1]
    stored = (await books.log.reader.entries(first + 1, 1))[0]
    assert canonical.parse_entry(stored.bytes).phase == "pending"
