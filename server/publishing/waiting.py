"""What waits unpublished, read back with the people behind it: they are opened anew, nothing of them is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ledger import canonical
from ledger.types import Entry, SealedSlots, StoredEntry
from server.publishing.monthly import Fact
from server.publishing.people import same_people
from server.publishing.telling import Telling

T = TypeVar("T")

CHUNK_LEN = 256
EVER = "9999-12"
"""A month after every other."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One entry of `books` with its sealed half."""

    stored: StoredEntry
    entry: Entry
    sealed: SealedSlots | None


async def read(telling: Telling, kinds: Sequence[str], month: str, limit: int) -> list[Stored]:
    """Return the oldest facts of these kinds that are of this month or an earlier one, at most `limit`."""
    rows = await telling.pool.fetch(telling.queries.waiting_facts, list(kinds), month, limit)
    return await _with_slots(telling, [StoredEntry(*row) for row in rows])


async def facts(telling: Telling, waiting: Sequence[Stored]) -> list[Fact]:
    """Return the facts with their people, and for fees and reversals the gift that they are about."""
    asked = sorted({gift for one in waiting for gift in one.entry.refers_to[:1]})
    behind: dict[int, Stored] = {}
    unpublished = set()
    for chunk in _chunks(asked):
        rows = await telling.pool.fetch(telling.queries.entries_behind, chunk)
        unpublished |= {row["position"] for row in rows if row["waits"]}
        for found in await _with_slots(telling, [StoredEntry(*list(row)[:5]) for row in rows]):
            behind[found.entry.position] = found
    people = [behind.get(next(iter(one.entry.refers_to), -1), one) for one in waiting]
    private: dict[int, Mapping[str, Any]] = {}
    for some in _chunks(people):
        private |= {one.entry.position: telling.private(one.stored, one.sealed) for one in some}
        await asyncio.sleep(0)  # opening takes a while; others have work too
    who = same_people({position: identifiers(values) for position, values in private.items()})
    return [
        Fact(
            one.entry,
            who[person.entry.position],
            gift=person.entry if person is not one else None,
            gift_waits=person.entry.position in unpublished,
            vendor=_text(private[person.entry.position].get("vendor"), "slug"),
        )
        for one, person in zip(waiting, people, strict=True)
    ]


def identifiers(private: Mapping[str, Any]) -> list[str]:
    """Return what tells a person from another, of the private values of a gift or of help. Erased: nothing."""
    named = {
        "customer": _text(private.get("giver"), "customer"),
        "email": _text(private.get("contact"), "email"),
        "person": _text(private.get("person"), "id"),
    }
    return [f"{kind}:{value.strip().lower()}" for kind, value in named.items() if value]


def _text(value: object, name: str) -> str | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


async def _with_slots(telling: Telling, entries: Sequence[StoredEntry]) -> list[Stored]:
    found: list[Stored] = []
    for chunk in _chunks(entries):
        slots = await telling.books.slots([stored.position for stored in chunk])
        found += [Stored(one, canonical.parse_entry(one.bytes), slots.get(one.position)) for one in chunk]
    return found


def _chunks(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[start : start + CHUNK_LEN] for start in range(0, len(items), CHUNK_LEN))
