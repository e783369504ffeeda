"""What an auditor reads of a log that is not public: as the public side reads its own, by another role (E14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sql
from ledger import tiles
from ledger.grammar import HASH_BYTES
from ledger.tiles import TILE_WIDTH
from server.public.reads import SignedSize

if TYPE_CHECKING:
    import asyncpg

    from ledger.types import LogName

_queries = sql.load("audit")


class ProtectedReads:
    """Reads one log over the pool of the role `auditor`."""

    def __init__(self, pool: asyncpg.Pool, log: LogName) -> None:
        self._pool = pool
        self._log = log

    async def checkpoint(self) -> SignedSize | None:
        """The newest checkpoint; None before the first."""
        row = await self._pool.fetchrow(_queries.checkpoint, self._log)
        return SignedSize(row["size"], row["note"]) if row else None

    async def tile(self, level: int, n: int, width: int) -> bytes | None:
        """The first `width` hashes of a tile; None when the newest checkpoint does not cover all of them."""
        first = n * TILE_WIDTH
        if level == 0:
            row = await self._row(_queries.leaf_tile, first, first + width)
        else:
            row = await self._row(_queries.stored_tile, level, n)
        if tiles.width(level, n, row["size"]) < width:
            return None
        return bytes(row["hashes"][: width * HASH_BYTES])

    async def bundle(self, n: int, width: int) -> bytes | None:
        """The first `width` entries of a bundle; None when the newest checkpoint does not cover all of them."""
        first = n * TILE_WIDTH
        row = await self._row(_queries.bundle, first, first + width)
        if tiles.width(0, n, row["size"]) < width:
            return None
        return tiles.encode_bundle(row["entries"])

    async def _row(self, query: str, *arguments: object) -> asyncpg.Record:
        (row,) = await self._pool.fetch(query, self._log, *arguments)
        return row
