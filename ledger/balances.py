"""Sums of a log's postings, folded entry by entry, by which guards and closes are judged. Pure. SPEC.md 12.3, 12.6.

Only bytes are looked at, so there are no owners here: one sum per account, asset and fund. Sums are kept apart per
month that is not closed, because a close counts the entries of its month and before, wherever later ones stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from ledger.guards import Guard
from ledger.types import Entry, Posting

Triple = tuple[str, str, str]
"""(account, asset, fund)"""


class Balances:
    """Sums of one log. Zero sums are kept until they are asked for; nobody sees them."""

    def __init__(
        self, closed: Mapping[Triple, int] | None = None, months: Mapping[str, Mapping[Triple, int]] | None = None
    ) -> None:
        """`closed` are the sums over closed months, `months` those of each month that is not, by `YYYY-MM`."""
        self._closed = dict(closed or {})
        self._months = {month: dict(sums) for month, sums in (months or {}).items()}

    def add(self, period: str, postings: Iterable[Posting]) -> None:
        """Count an entry's postings in its month."""
        sums = self._months.get(period)
        if sums is None:
            sums = self._months[period] = {}
        for p in postings:
            triple = (p.account, p.asset, p.fund)
            sums[triple] = sums.get(triple, 0) + p.amount

    def add_amounts(self, period: str, triples: Sequence[Triple], amounts: Sequence[int]) -> None:
        """As `add`, for postings whose amounts stand apart."""
        sums = self._months.get(period)
        if sums is None:
            sums = self._months[period] = {}
        for triple, amount in zip(triples, amounts, strict=True):
            sums[triple] = sums.get(triple, 0) + amount

    def through(self, month: str | None = None) -> dict[Triple, int]:
        """The sums that are not zero, of entries whose month is not after `month`; of all entries without it."""
        total = dict(self._closed)
        for period, sums in self._months.items():
            if month is None or period <= month:
                for triple, amount in sums.items():
                    total[triple] = total.get(triple, 0) + amount
        return {triple: total[triple] for triple in sorted(total) if total[triple]}

    def close(self, month: str) -> None:
        """Put the months up to `month` together; nothing is added to them any more."""
        self._closed = self.through(month)
        self._months = {period: sums for period, sums in self._months.items() if period > month}

    def breaks(self, guard: Guard, entry: Entry) -> bool:
        """Whether `guard`, by fund, is below zero in any asset of any of the entry's funds, the entry counted."""
        funds = {p.fund for p in entry.postings}
        values: dict[tuple[str, str], int] = {}
        for sums in (self._closed, *self._months.values()):
            for (account, asset, fund), amount in sums.items():
                if fund in funds and account in guard.accounts:
                    values[asset, fund] = values.get((asset, fund), 0) + amount
        for p in entry.postings:
            if p.account in guard.accounts:
                values[p.asset, p.fund] = values.get((p.asset, p.fund), 0) + p.amount
        return any(guard.sign * amount < 0 for amount in values.values())

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON; amounts as text, because they outgrow the integers of JSON."""
        return {"closed": _rows(self._closed), "months": {m: _rows(sums) for m, sums in sorted(self._months.items())}}

    @classmethod
    def from_snapshot(cls, state: Mapping[str, Any]) -> Self:
        """What `snapshot` gave."""
        return cls(_sums(state["closed"]), {month: _sums(rows) for month, rows in state["months"].items()})


def _rows(sums: Mapping[Triple, int]) -> list[list[str]]:
    return [[*triple, str(sums[triple])] for triple in sorted(sums) if sums[triple]]


def _sums(rows: Iterable[list[str]]) -> dict[Triple, int]:
    return {(account, asset, fund): int(amount) for account, asset, fund, amount in rows}
