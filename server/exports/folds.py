"""The two passes over an export's entries: those before the range prove where it begins, those in it are what it is.

Plain functions of what they are fed, run beside the event loop batch by batch. Each entry's hash is computed anew, so
bytes that were changed in the database make no export.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from ledger import canonical, journals, sheets
from ledger.export import DERIVED_README, Range
from ledger.facts import Fact, Triple, fact
from ledger.merkle import Frontier
from ledger.phases import RESOLVING
from server.exports.spool import Spool

Batch = Sequence[tuple[bytes, bytes]]
"""(bytes, leaf hash) of neighbouring entries."""


class Before:
    """Entries from some way before the range up to it: they carry the balances of the last close to its beginning."""

    def __init__(
        self, spool: Spool, frontier: Frontier, sums: dict[Triple, int], close: tuple[int, str] | None
    ) -> None:
        """`sums`: the balances before the first entry. `close`: the newest, its position and month."""
        self._out = spool.open("before.ndjson.gz")
        self._close = close
        self._closed = {} if close is None else dict(sums)
        self.frontier = frontier
        self.balances = sums
        self.referred: set[int] = set()

    @property
    def closed(self) -> dict[Triple, int]:
        """The balances that the close states."""
        return self._closed

    def feed(self, batch: Batch) -> None:
        """Take the next entries."""
        for content, _ in batch:
            self._take(fact(content, _append(self.frontier, content)))
        self._out.write(_lines(batch))

    def _take(self, one: Fact) -> None:
        _add(self.balances, one)
        if self._close is not None and one.position < self._close[0] and one.period <= self._close[1]:
            _add(self._closed, one)
        self.referred |= _resolved(one)


class Events:
    """The entries of the range, and what is derived from them."""

    def __init__(
        self,
        spool: Spool,
        frontier: Frontier,
        opening: dict[Triple, int],
        assets: Iterable[str],
        titles: dict[str, str],
    ) -> None:
        self._spool = spool
        self._titles = titles
        self._out = spool.open("events.ndjson.gz")
        self._sheet = spool.open("derived/journal.csv")
        names = journals.commodities(assets)
        self._journals = (
            (journals.Beancount(names, titles), spool.open("derived/ledger.beancount")),
            (journals.Hledger(names, titles), spool.open("derived/ledger.journal")),
        )
        self._opening = {triple: amount for triple, amount in opening.items() if amount}
        self._closing = dict(self._opening)
        self.frontier = frontier
        self.referred: set[int] = set()

    def begin(self, chosen: Range) -> None:
        """Write what stands before the first entry."""
        self._sheet.write(sheets.row(sheets.JOURNAL_HEAD).encode())
        for journal, out in self._journals:
            out.write(journal.head(chosen.origin, chosen.first, chosen.end).encode())

    def feed(self, batch: Batch) -> None:
        """Take the next entries."""
        facts = [fact(content, _append(self.frontier, content)) for content, _ in batch]
        for one in facts:
            _add(self._closing, one)
            self.referred |= _resolved(one)
        self._out.write(_lines(batch))
        self._sheet.write("".join(map(sheets.journal_rows, facts)).encode())
        for journal, out in self._journals:
            out.write("".join(map(journal.entry, facts)).encode())

    def end(self) -> None:
        """Write what stands behind the last entry."""
        for journal, out in self._journals:
            out.write(journal.tail(self._opening, self._closing).encode())
        self._spool.put("derived/README.md", DERIVED_README)
        self._spool.put("derived/balances.csv", sheets.balance_rows(self._opening, self._closing, self._titles))


def chart(declaring: Iterable[bytes]) -> tuple[set[str], dict[str, str]]:
    """The assets that accounts were declared for, and the accounts' titles."""
    assets: set[str] = set()
    titles: dict[str, str] = {}
    for content in declaring:
        data = orjson.loads(content)["data"]
        assets.update(data["assets"])
        titles[data["account"]] = data["title"]
    return assets, titles


def _append(frontier: Frontier, content: bytes) -> bytes:
    leaf_hash = canonical.leaf_hash(content)
    frontier.append(leaf_hash)
    return leaf_hash


def _lines(batch: Batch) -> bytes:
    return b"".join(content + b"\n" for content, _ in batch)


def _add(sums: dict[Triple, int], one: Fact) -> None:
    for triple, amount in one.postings:
        sums[triple] = sums.get(triple, 0) + amount


def _resolved(one: Fact) -> set[int]:
    return set(one.refers_to) if one.phase in RESOLVING else set()
