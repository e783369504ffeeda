"""What the audit log says of erasures and openings: written by `AuditTrail`, and read back here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sql
from ledger import canonical
from ledger.types import StoredEntry
from server.audit import events

if TYPE_CHECKING:
    import asyncpg

    from ledger.reader import LogReader
    from ledger.slots import Group
    from ledger.types import Entry
    from server.audit import AuditTrail, Record
    from server.erasure.listed import Erasure
    from server.vault.subjects import HeldKey

ENTRIES_PER_READ_MAX = 512

_QUERIES = sql.load("erasure")


@dataclass(frozen=True, slots=True)
class Request:
    """An erasure that was asked for, at `position` of `audit`."""

    position: int
    group: Group
    key_id: str
    actor: str
    at_us: int


@dataclass(frozen=True, slots=True)
class Completed:
    """What the entry at `position` says was erased; `root` in base64."""

    position: int
    entries: int
    root: str


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody was given of entries, in words: it cannot be taken back (attacks D7)."""

    what: str
    recipient: str


@dataclass(frozen=True, slots=True)
class ErasureTrail:
    """Records erasures, and finds what was recorded. `reader` reads `audit`, on connections of `pool`."""

    pool: asyncpg.Pool
    audit: AuditTrail
    reader: LogReader

    async def record(self, record: Record) -> int:
        """As AuditTrail."""
        return await self.audit.record(record)

    async def requested(self, key: HeldKey, actor: str, reason: str) -> int:
        """Write down that somebody asks for a key's destruction; return the position."""
        return await self.record(events.erasure_requested(group=key.group, subject=key.id, actor=actor, reason=reason))

    async def request_at(self, position: int) -> Request | None:
        """Return the request that stands there; None where something else does, or nothing."""
        found = await self.reader.entries(position, 1) if position >= 0 else []
        if not found or found[0].position != position or found[0].type != events.ERASURE_REQUESTED:
            return None
        entry, slots = await self._opened(found[0])
        group: Group = "audit" if entry.data["group"] == "audit" else "identity"
        return Request(position, group, str(slots.get("subject")), str(slots.get("actor")), entry.at_us)

    async def stands(self, erasure: Erasure) -> bool:
        """Whether this log still holds the request; after a restore it may not."""
        request = await self.request_at(erasure.requested)
        return request is not None and request.key_id == erasure.key_id

    async def completed(self, requested: int, root: str | None) -> Completed | None:
        """Return what was told done for a request, of these entries (`root`, or whichever); None when nothing was."""
        async for stored in self._of_type(events.ERASURE_COMPLETED, requested):
            entry = canonical.parse_entry(stored.bytes)
            if requested in entry.refers_to and root in {None, entry.data["root"]}:
                return Completed(stored.position, int(str(entry.data["entries"])), str(entry.data["root"]))
        return None

    async def given(self, entries: Collection[tuple[str, int]]) -> list[Given]:
        """Return who was given slots of these entries (log, position), one by one or with an export."""
        found = []
        async for stored in self._of_type(events.OPENING_GIVEN, 0):
            entry, slots = await self._opened(stored)
            target = slots.get("target") or {}
            log, position = str(entry.data["log"]), int(target.get("position", -1))
            if (log, position) in entries:
                what = f"{', '.join(target.get('slots', ()))} of {log} {position}"
                found.append(Given(what, str(slots.get("recipient"))))
        async for stored in self._of_type(events.EXPORT_GIVEN, 0):
            entry, slots = await self._opened(stored)
            log, start, end = str(entry.data["log"]), int(str(entry.data["from"])), int(str(entry.data["to"]))
            if any(one == log and start <= position < end for one, position in entries):
                found.append(Given(f"what the key opens of {log} {start} to {end - 1}", str(slots.get("recipient"))))
        return found

    async def _of_type(self, type_name: str, start: int) -> AsyncIterator[StoredEntry]:
        while rows := await self.pool.fetch(_QUERIES.of_type, type_name, start, ENTRIES_PER_READ_MAX):
            for row in rows:
                yield StoredEntry(*row)
            start = rows[-1]["position"] + 1

    async def _opened(self, stored: StoredEntry) -> tuple[Entry, dict[str, Any]]:
        entry = canonical.parse_entry(stored.bytes)
        sealed = (await self.reader.slots([stored.position]))[stored.position]
        spec = self.audit.registry.types[stored.type]
        return entry, self.audit.vault.open_slots(self.audit.origin, spec, sealed, entry.private_root or b"")
