"""Upcasting on read: an old entry as the newest version of its type says it. Pure. issue 4, point 3.

Bytes never change, so whoever reads a log meets every version that was ever written. Each step of a chain turns the
data of one version into those of the next; whoever follows a log then knows the newest one only. Postings, phase, place
and hashes stay what they are. What is verified, exported or proved is the stored bytes, never what is made here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ledger.grammar import matches_type

if TYPE_CHECKING:
    from ledger.types import Data, Entry

Step = Callable[["Data"], "Data"]
"""The data of one version, as those of the next. It returns a new object and leaves its argument alone."""


class Upcasts:
    """The chains of all types: steps by the type that they begin with, `giving.gift.received.v1` for v1 → v2."""

    def __init__(self, steps: Mapping[str, Step] | None = None) -> None:
        """ValueError for a key that names no type, or a chain with a hole: v1 and v3 without v2."""
        self._steps = dict(steps or {})
        self._newest: dict[str, str] = {}
        for name in self._steps:
            if not matches_type(name):
                message = f"{name!r} names no type to upcast from; a type is like giving.gift.received.v1"
                raise ValueError(message)
            stem, version = _split(name)
            if version > 1 and f"{stem}.v{version - 1}" not in self._steps:
                message = f"{name} is upcast, but nothing leads from {stem}.v{version - 1} to it; add that step"
                raise ValueError(message)
        for name in self._steps:
            self._newest[name] = self._last(name)

    def newest(self, type_name: str) -> str:
        """The newest version of a type, as far as this program knows; the type itself where there is no other."""
        return self._newest.get(type_name, type_name)

    def apply(self, entry: Entry) -> Entry:
        """The entry in the newest version of its type; itself, where it is that already or is not known."""
        name, data = entry.type, entry.data
        while name in self._steps:
            data = self._steps[name](data)
            name = _after(name)
        return entry if name == entry.type else replace(entry, type=name, data=data)

    def _last(self, name: str) -> str:
        while name in self._steps:
            name = _after(name)
        return name


def _split(name: str) -> tuple[str, int]:
    stem, _, version = name.rpartition(".v")
    return stem, int(version)


def _after(name: str) -> str:
    stem, version = _split(name)
    return f"{stem}.v{version + 1}"
