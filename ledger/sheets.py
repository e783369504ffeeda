"""Rows for spreadsheets: entries' postings and balances as CSV (RFC 4180), safe to open. Pure. EXPORT.md 8.

A cell that a spreadsheet would run as a formula gets an apostrophe before it. Numbers are ours, so they stay numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from ledger.facts import Fact, Triple, decimal
from ledger.grammar import encode_base64

JOURNAL_HEAD = (
    "position",
    "at",
    "date",
    "period",
    "type",
    "phase",
    "refers_to",
    "account",
    "fund",
    "asset",
    "amount",
    "amount_minor",
    "leaf_hash",
)
BALANCES_HEAD = ("account", "fund", "asset", "title", "opening", "change", "closing")

NAMES_KEPT = 4_096

_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_QUOTED = frozenset(',"\r\n')


def row(cells: Iterable[str]) -> str:
    """One line of cells that are as they should be: numbers, or texts through `text`."""
    return f"{_cells(cells)}\r\n"


def text(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in _FORMULA and cell else cell


def journal_rows(fact: Fact) -> str:
    """One line per posting of an entry; none for an entry without postings."""
    if not fact.postings:
        return ""
    named = (
        str(fact.position),
        fact.at,
        fact.day,
        fact.period,
        text(fact.type),
        fact.phase,
        " ".join(map(str, fact.refers_to)),
    )
    head, leaf = _cells(named), _quoted(text(encode_base64(fact.leaf_hash)))
    return "".join(
        f"{head},{_names(triple)},{decimal(amount, triple[1])},{amount},{leaf}\r\n" for triple, amount in fact.postings
    )


def balance_rows(opening: Mapping[Triple, int], closing: Mapping[Triple, int], titles: Mapping[str, str]) -> str:
    """One line per account, fund and asset that has or had a balance, in this order; with the header."""
    lines = [row(BALANCES_HEAD)]
    for account, fund, asset in sorted((a, f, s) for a, s, f in {*opening, *closing}):
        before, after = opening.get((account, asset, fund), 0), closing.get((account, asset, fund), 0)
        amounts: Sequence[str] = [decimal(amount, asset) for amount in (before, after - before, after)]
        lines.append(row((text(account), text(fund), text(asset), text(titles.get(account, "")), *amounts)))
    return "".join(lines)


@lru_cache(maxsize=NAMES_KEPT)
def _names(triple: Triple) -> str:
    """A log uses few triples again and again."""
    account, asset, fund = triple
    return _cells((text(account), text(fund), text(asset)))


def _cells(cells: Iterable[str]) -> str:
    return ",".join(map(_quoted, cells))


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _QUOTED.intersection(cell) else cell
