"""Sums by month: any order of months gives the same trial balance, and a guard sees the entry that it judges."""

from __future__ import annotations

import json
from collections import defaultdict
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from ledger.balances import Balances, Triple
from ledger.guards import Guard
from ledger.postings import balances_hash
from ledger.types import Entry, Posting
from tests.vectors import logs

MONTHS = ["2026-08", "2026-09", "2026-10"]
POSTINGS = st.builds(
    Posting,
    st.sampled_from(["assets:cash", "income:gifts"]),
    st.just("USD/2"),
    st.sampled_from(["rent", "tech"]),
    st.integers(-9, 9),
)
ENTRIES = st.lists(st.tuples(st.sampled_from(MONTHS), st.lists(POSTINGS, max_size=3)), max_size=20)


def folded(entries: list[tuple[str, list[Posting]]], month: str) -> dict[Triple, int]:
    """The definition."""
    sums: dict[Triple, int] = defaultdict(int)
    for period, postings in entries:
        for p in postings if period <= month else ():
            sums[p.account, p.asset, p.fund] += p.amount
    return {triple: amount for triple, amount in sums.items() if amount}


@given(ENTRIES, st.sampled_from(MONTHS))
def test_the_sums_through_a_month_are_those_of_its_entries_and_earlier_ones(
    entries: list[tuple[str, list[Posting]]], month: str
) -> None:
    balances = Balances()
    for entry in entries:
        balances.add(*entry)
    assert balances.through(month) == folded(entries, month)
    assert balances.through() == folded(entries, MONTHS[-1])
    kept = Balances.from_snapshot(json.loads(json.dumps(balances.snapshot())))
    kept.close(month)
    assert [kept.through(later) for later in MONTHS if later >= month] == [
        folded(entries, later) for later in MONTHS if later >= month
    ]


def test_the_hash_knows_no_order_and_no_zeros() -> None:
    sums = {("assets:cash", "USD/2", "rent"): 5, ("income:gifts", "USD/2", "rent"): -5}
    assert balances_hash(sums) == balances_hash({**dict(reversed(sums.items())), ("assets:cash", "EUR/2", "rent"): 0})
    assert balances_hash(sums) != balances_hash({**sums, ("assets:cash", "USD/2", "rent"): 6})
    assert balances_hash({}) == sha256(b"secondwind/balances/v1\n").digest()


def test_a_guard_counts_the_entry_every_month_and_each_asset_apart() -> None:
    guard = Guard("spendable", ("assets:cash", "liabilities:accrued_fees"), "fund", 1)
    balances = Balances({("assets:cash", "USD/2", "rent"): 60, ("assets:cash", "EUR/2", "tech"): -1})
    balances.add("2026-09", [Posting("assets:cash", "USD/2", "rent", 40)])

    def entry(amount: int, fund: str = "rent") -> Entry:
        postings = (
            Posting("assets:cash", "USD/2", fund, amount),
            Posting("expenses:help:rent", "USD/2", fund, -amount),
        )
        return Entry("o", 9, bytes(32), 0, "2026-10", logs.SPENT.name, {}, postings)

    assert not balances.breaks(guard, entry(-100))
    assert balances.breaks(guard, entry(-101))
    assert balances.breaks(guard, entry(5, "tech"))
    assert not balances.breaks(Guard("owed", ("assets:cash",), "fund", -1), entry(-100))
