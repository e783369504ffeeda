"""Entries that were judged before but for a few values: most of a log is the same type, accounts and fund again. Pure.

A shape is an accepted entry with holes for its time, position, amounts and hashes. Bytes that fit it say, outside the
holes, exactly what that entry said, so every rule that looks there has its answer already, until the log declares
something new. What stands in the holes is judged each time, by `EntryChecker.skim`.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Self

import orjson

from ledger.types import Entry

SHAPES_MAX = 64
INTERFUND = "equity:interfund"

_AT = rb"([0-9TZ:.-]{27})"
_NUMBER = rb"([0-9]{1,16})"
_AMOUNT = rb"(-?[1-9][0-9]{0,30})"
_DIGEST = rb"([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)"


class Skimmed(NamedTuple):
    """What is told of an entry that was accepted by its shape; `private_root` in base64."""

    type: str
    period: str
    at_us: int
    private_root: bytes | None


class Shape:
    """An accepted entry with holes; `fits` matches bytes: time, position, amounts, prev and private root are groups."""

    __slots__ = ("fits", "has_private", "period", "sums", "triples", "type")

    def __init__(self, entry: Entry, pattern: bytes) -> None:
        self.type = entry.type
        self.period = entry.period
        self.triples = [(p.account, p.asset, p.fund) for p in entry.postings]
        self.has_private = entry.private_root is not None
        self.sums: list[list[int]] = []
        places: dict[tuple[str, str], list[int]] = {}
        for i, (_, asset, fund) in enumerate(self.triples):
            places.setdefault((asset, fund), []).append(i)
        self.sums = list(places.values())
        self.fits = re.compile(pattern).fullmatch

    @classmethod
    def of(cls, entry: Entry, data: bytes) -> Self | None:
        """The shape of an accepted entry; None where more than its holes would have to be judged anew."""
        if entry.phase is not None or entry.refers_to or any(p.account == INTERFUND for p in entry.postings):
            return None
        made = cls(entry, _pattern(entry))
        return made if made.fits(data) else None


def _pattern(entry: Entry) -> bytes:
    """The entry's canonical bytes with every member in its place, the holes as groups."""

    def told(value: object) -> bytes:
        return re.escape(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))

    lines = b",".join(
        rb'\{"account":%s,"amount":"%s","asset":%s,"fund":%s\}'
        % (told(p.account), _AMOUNT, told(p.asset), told(p.fund))
        for p in entry.postings
    )
    sealed = b'"private":\\{"alg":"slots1","root":"%s"\\},' % _DIGEST if entry.private_root is not None else b""
    head = rb'\{"at":"%s","data":%s,"log":%s,"period":%s,"position":%s,' % (
        _AT,
        told(entry.data),
        told(entry.log),
        told(entry.period),
        _NUMBER,
    )
    return head + rb'"postings":\[%s\],"prev":"%s",%s"type":%s,"v":1\}' % (lines, _DIGEST, sealed, told(entry.type))
