"""What the public side reads about entries and tiles, each by one statement, so from one snapshot (E14)."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

import sql
from ledger import tiles
from ledger.grammar import HASH_BYTES
from ledger.tiles import TILE_WIDTH

_queries = sql.load("public")


@dataclass(frozen=True, slots=True)
class SignedSize:
    """The newest checkpoint: its size and its note, with the lines of those witnesses who have cosigned it by now."""

    size: int
    note: str


@dataclass(frozen=True, slots=True)
class EntryBytes:
    """One entry. `covered`: a checkpoint covers it, so nothing can take it back."""

    content: bytes
    leaf_hash: bytes
    covered: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: with what is `older` than a position, or with what is newer."""

    position: int
    older: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first, out of the first `size`; whether there are `older` and `newer` ones beyond them."""

    size: int
    rows: list[asyncpg.Record]
    older: bool
    newer: bool


class PublicReads:
    """Reads over the pool of the role `reader`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def checkpoint(self) -> SignedSize | None:
        """The newest checkpoint; None before the first."""
        row = await self._pool.fetchrow(_queries.newest_checkpoint)
        return SignedSize(row["size"], row["note"]) if row else None

    async def tile(self, level: int, n: int, width: int) -> bytes | None:
        """The first `width` hashes of a tile; None when the newest checkpoint does not cover all of them."""
        if level == 0:
            first = n * TILE_WIDTH
            row = await self._row(_queries.leaf_tile, first, first + width)
        else:
            row = await self._row(_queries.stored_tile, level, n)
        if tiles.width(level, n, row["size"]) < width:
            return None
        hashes: bytes = (row["hashes"] or b"")[: width * HASH_BYTES]
        if len(hashes) != width * HASH_BYTES:
            raise LookupError(f"tile {n} of level {level} is covered by a checkpoint but not stored to width {width}")
        return hashes

    async def bundle(self, n: int, width: int) -> bytes | None:
        """The first `width` entries of a bundle; None when the newest checkpoint does not cover all of them."""
        first = n * TILE_WIDTH
        row = await self._row(_queries.bundle, first, first + width)
        if tiles.width(0, n, row["size"]) < width:
            return None
        return tiles.encode_bundle(row["entries"])

    async def _row(self, query: str, *arguments: object) -> asyncpg.Record:
        """The row of a query that always has one."""
        (row,) = await self._pool.fetch(query, *arguments)
        return row

    async def page(self, place: Place, limit: int) -> Page:
        """One page of all entries; positions are dense, so both its ends are known beforehand."""
        first, end = (0, place.position) if place.older else (place.position + 1, place.position + 1 + limit)
        rows = await self._pool.fetch(_queries.page, first, end, limit)
        size = rows[0]["size"]
        found = [row for row in rows if row["position"] is not None]
        if not found:
            return Page(size, [], older=False, newer=False)
        return Page(size, found, older=found[-1]["position"] > 0, newer=found[0]["position"] < size - 1)

    async def size(self) -> int:
        """The number of entries."""
        return int(await self._pool.fetchval(_queries.size))

    async def entry(self, position: int) -> EntryBytes | None:
        """One entry's bytes; None when there is none."""
        row = await self._pool.fetchrow(_queries.entry, position)
        return EntryBytes(row["bytes"], row["leaf_hash"], row["covered"]) if row else None

    async def funds(self) -> list[asyncpg.Record]:
        """Every declared fund with its sums per asset, one row each; every row names the size folded."""
        return list(await self._pool.fetch(_queries.funds))

    async def key_entries(self) -> list[bytes]:
        """The entries that say which keys sign this log, oldest first."""
        return [row["bytes"] for row in await self._pool.fetch(_queries.key_entries)]
