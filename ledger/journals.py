"""Entries as journals of Beancount and hledger, written as they come, with assertions at the end. Pure. EXPORT.md 8.

Both programs hold no funds, so each fund is the last part of an account's name: money of one fund then never makes up
for another's. Opening balances stand at the end, dated to the first day: both programs order by date. They are there
only when every entry was read, because only then the first day is known.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256

from ledger.facts import Fact, Triple, decimal
from ledger.grammar import encode_base64
from ledger.money import precision
from ledger.phases import PENDING

Sums = Mapping[Triple, int]

OPENING = "opening balances"
DECLARED_ON = "1970-01-01"
NAMES_KEPT = 4_096
_NOTICE = "Not authoritative: made from the entries of {origin}, {first} to {end} (excluded)."

_matches_commodity = re.compile(r"[A-Z][A-Z0-9'._-]{0,22}[A-Z0-9]", re.ASCII).fullmatch
_ROOTS = {"assets": "A", "liabilities": "L", "income": "R", "expenses": "X", "equity": "E"}


def commodities(assets: Iterable[str]) -> dict[str, str]:
    """A name for each asset that both programs take: `USD` for `USD/2`, `USD-2` where there is also a `USD/3`."""
    known = sorted(set(assets))
    codes = [asset.partition("/")[0] for asset in known]
    names = {
        asset: code if codes.count(code) == 1 else asset.replace("/", "-")
        for asset, code in zip(known, codes, strict=True)
    }
    for asset, name in names.items():
        if not _matches_commodity(name) or list(names.values()).count(name) > 1:
            names[asset] = f"X{sha256(asset.encode()).hexdigest()[:16].upper()}"
    return names


class Journal(ABC):
    """A journal that grows: `head`, then `entry` for each entry, then `tail`; each returns text to write.

    `names` are `commodities` of all assets that the log has declared up to the end of the range, `titles` those of its
    accounts. What is held is one sum per account, asset and fund.
    """

    def __init__(self, names: Mapping[str, str], titles: Mapping[str, str]) -> None:
        self._names = names
        self._titles = titles
        self._declared: set[tuple[str, str]] = set()
        self._used: set[str] = set()
        self._first_day = ""
        self._last_day = ""

    @abstractmethod
    def head(self, origin: str, first: int, end: int) -> str:
        """What stands before everything."""

    def entry(self, fact: Fact) -> str:
        """An entry and whatever it is the first to need; nothing for one without postings."""
        self._first_day = min(self._first_day or fact.day, fact.day)
        self._last_day = max(self._last_day, fact.day)
        if not fact.postings:
            return ""
        return self._declarations(triple for triple, _ in fact.postings) + self._transaction(fact)

    def tail(self, opening: Sums, closing: Sums) -> str:
        """The opening balances and, the day after everything, what every account must hold by then."""
        text = self._declarations([*opening, *closing])
        if opening:
            text += self._opening(self._first_day, opening)
        triples = sorted({*opening, *closing})
        if not triples:
            return text
        day = (date.fromisoformat(self._last_day) + timedelta(days=1)).isoformat()
        return text + self._assertions(day, {triple: closing.get(triple, 0) for triple in triples})

    def _declarations(self, triples: Iterable[Triple]) -> str:
        lines = []
        for account, asset, fund in triples:
            if asset not in self._used:
                self._used.add(asset)
                lines.append(self._commodity(asset))
            if (account, fund) not in self._declared:
                self._declared.add((account, fund))
                lines.append(self._account(account, fund))
        return "".join(f"{line}\n" for line in lines)

    @abstractmethod
    def _commodity(self, asset: str) -> str: ...

    @abstractmethod
    def _account(self, account: str, fund: str) -> str: ...

    @abstractmethod
    def _transaction(self, fact: Fact) -> str: ...

    @abstractmethod
    def _opening(self, day: str, opening: Sums) -> str: ...

    @abstractmethod
    def _assertions(self, day: str, closing: Sums) -> str: ...


class Beancount(Journal):
    """As `bean-check` accepts it."""

    def head(self, origin: str, first: int, end: int) -> str:
        """A comment and a title."""
        return f'; {_NOTICE.format(origin=origin, first=first, end=end)}\noption "title" "{origin}"\n\n'

    def _commodity(self, asset: str) -> str:
        return f'{DECLARED_ON} commodity {self._names[asset]}\n  asset: "{asset}"'

    def _account(self, account: str, fund: str) -> str:
        title = _line(self._titles.get(account, "")).replace("\\", "\\\\").replace('"', '\\"')
        return f'{DECLARED_ON} open {beancount_account(account, fund)}\n  title: "{title}"\n  fund: "{fund}"'

    def _transaction(self, fact: Fact) -> str:
        lines = [
            f'{fact.day} {_flag(fact)} "{fact.type}"',
            f"  position: {fact.position}",
            f'  period: "{fact.period}"',
            f'  leaf: "{encode_base64(fact.leaf_hash)}"',
            *([f'  phase: "{fact.phase}"'] if fact.phase else []),
            *([f'  refers: "{" ".join(map(str, fact.refers_to))}"'] if fact.refers_to else []),
            *self._postings(fact.postings),
        ]
        return "\n".join(lines) + "\n\n"

    def _opening(self, day: str, opening: Sums) -> str:
        return "\n".join([f'{day} * "{OPENING}"', *self._postings(sorted(opening.items()))]) + "\n\n"

    def _assertions(self, day: str, closing: Sums) -> str:
        # `~ 0`: Beancount would let an assertion pass that is a cent off.
        return "".join(
            f"{day} balance {beancount_account(account, fund)}  {decimal(amount, asset)} ~ 0 {self._names[asset]}\n"
            for (account, asset, fund), amount in closing.items()
        )

    def _postings(self, lines: Iterable[tuple[Triple, int]]) -> list[str]:
        return [
            f"  {beancount_account(account, fund)}  {decimal(amount, asset)} {self._names[asset]}"
            for (account, asset, fund), amount in lines
        ]


class Hledger(Journal):
    """As `hledger check --strict` accepts it."""

    def head(self, origin: str, first: int, end: int) -> str:
        """A comment, and that a point is a point."""
        return f"; {_NOTICE.format(origin=origin, first=first, end=end)}\ndecimal-mark .\n\n"

    def _commodity(self, asset: str) -> str:
        places = precision(asset)
        return f'commodity 1000.{"0" * places} "{self._names[asset]}"'

    def _account(self, account: str, fund: str) -> str:
        kind = _ROOTS.get(account.partition(":")[0], "E")
        return (
            f"account {hledger_account(account, fund)}  ; type: {kind}, title: {_line(self._titles.get(account, ''))}"
        )

    def _transaction(self, fact: Fact) -> str:
        tags = [f"period: {fact.period}", f"leaf: {encode_base64(fact.leaf_hash)}"]
        tags += [f"phase: {fact.phase}"] if fact.phase else []
        tags += [f"refers: {' '.join(map(str, fact.refers_to))}"] if fact.refers_to else []
        head = f"{fact.day} {_flag(fact)} ({fact.position}) {fact.type}  ; {', '.join(tags)}"
        return "\n".join([head, *self._postings(fact.postings)]) + "\n\n"

    def _opening(self, day: str, opening: Sums) -> str:
        return "\n".join([f"{day} * {OPENING}", *self._postings(sorted(opening.items()))]) + "\n\n"

    def _assertions(self, day: str, closing: Sums) -> str:
        lines = [f"{day} * balances asserted"]
        lines += [
            f"    {hledger_account(account, fund)}  {decimal(0, asset)} {self._unit(asset)}"
            f" = {decimal(amount, asset)} {self._unit(asset)}"
            for (account, asset, fund), amount in closing.items()
        ]
        return "\n".join(lines) + "\n"

    def _unit(self, asset: str) -> str:
        return f'"{self._names[asset]}"'

    def _postings(self, lines: Iterable[tuple[Triple, int]]) -> list[str]:
        return [
            f"    {hledger_account(account, fund)}  {decimal(amount, asset)} {self._unit(asset)}"
            for (account, asset, fund), amount in lines
        ]


@lru_cache(maxsize=NAMES_KEPT)
def beancount_account(account: str, fund: str) -> str:
    """`Assets:Float:Help:FUND-rent`: no two pairs share a name, and nothing ever stands below a fund."""
    root, *parts = account.split(":")
    named = [root.capitalize()] if root in _ROOTS else ["Equity", "MEMO", root.capitalize()]
    return ":".join([*named, *map(_segment, parts), f"FUND-{fund.replace('_', 'U')}"])


@lru_cache(maxsize=NAMES_KEPT)
def hledger_account(account: str, fund: str) -> str:
    """`assets:float:help:fund-rent`; parts of our names hold no hyphen, so nothing ever stands below a fund."""
    return f"{account}:fund-{fund}"


def _segment(part: str) -> str:
    """Names of ours are in small letters, so capitals after the first are free to say what Beancount cannot spell."""
    if part.startswith("_"):
        return f"UU{part.replace('_', '-')}"
    return part[0].upper() + part[1:].replace("_", "-")


def _flag(fact: Fact) -> str:
    return "!" if fact.phase == PENDING else "*"


def _line(title: str) -> str:
    return " ".join(title.split())
