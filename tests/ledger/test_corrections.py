"""Corrections: what was wrong is given back once, with a reason, and what is right is booked with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ledger import canonical
from ledger.corrections import REASONS, correction
from ledger.errors import ClaimTaken, EntryError, GuardRefused, InvalidCommand
from ledger.postings import settle
from ledger.types import Appended, Command, Entry, OwnedPosting
from tests.support.logs import CORRECTED, books_gift
from tests.support.postgres import Server
from tests.support.stores import Maker, Subject

ALICE, BOB = b"a" * 32, b"b" * 32
PENDING = "assets:stripe:pending"
WRONG = {"reason": "owner"}


@pytest.fixture(params=["memory", "simulated", "postgres"])
async def books(request: pytest.FixtureRequest, postgres_server: Server) -> AsyncIterator[Subject]:
    async with Maker(request.param, postgres_server).born("books") as subject:
        yield subject


async def booked(books: Subject, amount: int = 100, owner: bytes = ALICE) -> Entry:
    first = (await books.append(Command((books_gift(amount, owner=owner),)))).first
    return canonical.parse_entry((await books.reader.entries(first, 1))[0].bytes)


async def test_what_was_wrong_is_given_back_to_its_owner_and_what_is_right_stands_beside_it(books: Subject) -> None:
    wrong = await booked(books)
    owned = books_gift(100, owner=ALICE).postings
    command = correction(wrong, CORRECTED.name, WRONG, owned=owned, instead=[books_gift(100, owner=BOB)])
    done = await books.append(command)
    assert done.count == 2
    stored = [canonical.parse_entry(entry.bytes) for entry in await books.reader.entries(done.first, 2)]
    assert (stored[0].refers_to, stored[0].data) == ((wrong.position,), WRONG)
    assert [p.amount for p in stored[0].postings] == [-p.amount for p in wrong.postings]
    balances = await books.balances()
    assert balances[PENDING, ALICE, "USD/2", "rent"] == 0
    assert balances[PENDING, BOB, "USD/2", "rent"] == 100
    await books.verified()


async def test_an_entry_is_corrected_once_and_its_correction_may_be_corrected_in_its_turn(books: Subject) -> None:
    wrong = await booked(books)
    command = correction(wrong, CORRECTED.name, WRONG)
    done = await asyncio.gather(*(books.append(command) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(answer, Appended) for answer in done) == 1
    assert sum(isinstance(answer, ClaimTaken) for answer in done) == 3
    first = next(answer.first for answer in done if isinstance(answer, Appended))
    again = canonical.parse_entry((await books.reader.entries(first, 1))[0].bytes)
    await books.append(correction(again, CORRECTED.name, {"reason": "not_ours"}))
    await books.verified()


async def test_of_a_correction_and_what_is_right_both_are_written_or_none(books: Subject) -> None:
    """Linked groups: the second half of the command is refused, so the first is not there either, nor is its claim."""
    wrong = await booked(books)
    size = await books.size()
    with pytest.raises(InvalidCommand, match="fund-undeclared"):
        await books.append(correction(wrong, CORRECTED.name, WRONG, instead=[books_gift(100, fund="nowhere")]))
    guarded = correction(wrong, CORRECTED.name, WRONG, owned=books_gift(100, owner=ALICE).postings)
    await books.append(Command((books_gift(-60, owner=ALICE),)))
    with pytest.raises(GuardRefused):
        await books.append(replace(guarded, guards=(f"gift({ALICE.hex()})",)))
    assert await books.size() == size + 1
    assert (await books.append(correction(wrong, CORRECTED.name, WRONG))).first == size + 1


def entry(**changes: object) -> Entry:
    gift = Entry("o", 7, bytes(32), 0, "2026-09", "giving.gift.received.v1", {}, ())
    return replace(gift, **changes)  # type: ignore[arg-type]  # fields of Entry


POSTINGS = settle(books_gift(100).postings)[0]


@pytest.mark.parametrize(
    ("wrong", "reason", "owned", "says"),
    [
        (entry(), "amount", (), "moved nothing"),
        (entry(type="ledger.fund.declared.v1", postings=POSTINGS), "amount", (), "moved nothing"),
        (entry(phase="pending", expires_at_us=9, postings=POSTINGS), "amount", (), "is pending: void it"),
        (entry(postings=POSTINGS), "because", (), "not 'because'"),
        (entry(postings=POSTINGS), None, (), "not None"),
        (entry(postings=POSTINGS), "owner", books_gift(99).postings, "do not make up the postings of position 7"),
        (entry(postings=POSTINGS), "owner", books_gift(100, fund="tech").postings, "do not make up the postings"),
    ],
)
def test_what_cannot_be_corrected_so_is_refused_with_the_offending_value(
    wrong: Entry, reason: object, owned: tuple[OwnedPosting, ...], says: str
) -> None:
    with pytest.raises(EntryError, match=says):
        correction(wrong, CORRECTED.name, {"reason": reason}, owned=owned)


async def test_a_reason_that_the_type_does_not_know_is_refused_by_the_log_itself(books: Subject) -> None:
    wrong = await booked(books)
    draft = correction(wrong, CORRECTED.name, WRONG).drafts[0]
    with pytest.raises(InvalidCommand, match="data-invalid"):
        await books.append(Command((replace(draft, data={"reason": "because"}),)))
    with pytest.raises(InvalidCommand, match="refers-invalid"):
        await books.append(Command((replace(draft, refers_to=()),)))
    assert "because" not in REASONS
