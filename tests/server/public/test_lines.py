"""An entry leaves a line for itself and one for each posting."""

from __future__ import annotations

import pytest

from ledger.types import Entry, Posting
from server.public.lines import Line, Name, digits, lines


def entry(*postings: Posting) -> Entry:
    return Entry(
        log="example.org/ledger",
        position=7,
        at_us=0,
        period="2026-09",
        prev=bytes(32),
        type="giving.gift.received.v1",
        data={},
        postings=postings,
    )


def test_every_posting_leaves_a_line_and_so_does_the_entry() -> None:
    made = lines(
        entry(Posting("assets:cash", "USD/2", "rent", 950), Posting("income:gifts", "USD/2", "rent", -950)), late=True
    )
    kind = "giving.gift.received.v1"
    assert made == [
        Line(Name(kind, "", "", "", 0, late=True), position=7, amount=0),
        Line(Name(kind, "assets:cash", "USD/2", "rent", 3, late=True), position=7, amount=950),
        Line(Name(kind, "income:gifts", "USD/2", "rent", 3, late=True), position=7, amount=-950),
    ]


def test_an_entry_without_postings_leaves_only_its_own() -> None:
    assert len(lines(entry(), late=False)) == 1


@pytest.mark.parametrize(("amount", "expected"), [(1, 1), (9, 1), (10, 2), (-10, 2), (-999, 3), (10**30, 31)])
def test_the_size_of_an_amount_is_its_digits(amount: int, expected: int) -> None:
    assert digits(amount) == expected
