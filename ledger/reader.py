"""Reading a log: entries by position or stream, slots, checkpoints, and the hashes that proofs are made of.

Because the head lock is held until COMMIT, positions become visible in order: `position >= n order by position` never
misses one (design/ledger.md 6).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

import sql
from ledger import merkle
from ledger.grammar import HASH_BYTES
from ledger.rules import declared_from
from ledger.types import Head, LogName, SealedBox, SealedSlots, StoredEntry

if TYPE_CHECKING:
    import asyncpg

    from ledger.declared import Declared

ENTRIES_PER_READ_MAX = 2_048
BYTES_PER_READ_MAX = 2 * 1024 * 1024

_QUERIES = sql.load("ledger")


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed checkpoint as the database holds it."""

    size: int
    root_hash: bytes
    note: str
    signed_at_us: int


class LogReader:
    """Reads one log on connections of `pool`. Errors of the database pass through."""

    def __init__(self, pool: asyncpg.Pool, log: LogName) -> None:
        self.log = log
        self._pool = pool

    async def head(self) -> Head | None:
        """Return the head row as it is now, or None before the log was created."""
        row = await self._pool.fetchrow(_QUERIES.head, self.log)
        if row is None:
            return None
        return Head(**{name: value for name, value in row.items() if name != "mode"})

    async def existing_head(self) -> Head:
        """Return the head row of a log that was created. LookupError when it was not."""
        head = await self.head()
        if head is None:
            raise LookupError(f"the log {self.log} was not created")
        return head

    async def declared(self) -> Declared:
        """Return the rules in force now. LookupError when the log was not created."""
        head = await self.existing_head()
        rows = await self._pool.fetch(_QUERIES.rules, self.log)
        return declared_from(self.log, head.time_zone, ((r["kind"], r["name"], orjson.loads(r["data"])) for r in rows))

    async def entries(
        self, start: int, limit: int = ENTRIES_PER_READ_MAX, *, bytes_max: int = BYTES_PER_READ_MAX
    ) -> list[StoredEntry]:
        """Return the entries from `start` on: at most `limit`, about `bytes_max`, at least one if there is one."""
        rows = await self._pool.fetch(_QUERIES.entries, self.log, start, min(limit, ENTRIES_PER_READ_MAX))
        return within([StoredEntry(*row) for row in rows], bytes_max)

    async def stream(self, stream: bytes) -> list[StoredEntry]:
        """Return a stream's entries in the order of their versions; its version is their number."""
        return [StoredEntry(*row) for row in await self._pool.fetch(_QUERIES.stream, self.log, stream)]

    async def slots(self, positions: Sequence[int]) -> dict[int, SealedSlots]:
        """Return the sealed slots of those entries that have them, by position. `root` is the entry's own to say."""
        rows = await self._pool.fetch(_QUERIES.slots, self.log, list(positions))
        return {row["position"]: sealed_slots(row["slot_hashes"], orjson.loads(row["boxes"])) for row in rows}

    async def newest_checkpoint(self) -> StoredCheckpoint | None:
        """Return the newest signed checkpoint, or None before the first."""
        row = await self._pool.fetchrow(_QUERIES.newest_checkpoint, self.log)
        return None if row is None else StoredCheckpoint(*row)


def within(entries: Sequence[StoredEntry], bytes_max: int) -> list[StoredEntry]:
    """Return the first entries that are no more than `bytes_max` together, at least one if there is one."""
    size = 0
    for number, entry in enumerate(entries):
        size += len(entry.bytes)
        if number and size > bytes_max:
            return list(entries[:number])
    return list(entries)


def sealed_slots(slot_hashes: bytes, boxes: Sequence[Mapping[str, Any]]) -> SealedSlots:
    """Return an entry's slots from the columns that hold them."""
    hashes = [slot_hashes[i : i + HASH_BYTES] for i in range(0, len(slot_hashes), HASH_BYTES)]
    return SealedSlots(
        root=merkle.root(hashes),
        slot_hashes=slot_hashes,
        boxes=tuple(
            SealedBox(
                group=box["group"],
                key_id=box["key_id"],
                wrapped_key=base64.b64decode(box["wrapped_key"]),
                nonce=base64.b64decode(box["nonce"]),
                ciphertext=base64.b64decode(box["ciphertext"]),
            )
            for box in boxes
        ),
    )
