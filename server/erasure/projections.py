"""Where the entries of one person stand: an index by the keys that seal them, folded from the slots of each log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sql
from ledger.types import LogName, StoredEntry

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

_QUERIES = sql.load("erasure")


class SealedBy:
    """One log → its part of `erasure_entries`. What is erased has no box any more, and so no row after a rebuild."""

    def __init__(self, log: LogName, query: str) -> None:
        self.log = log
        self.name = f"erasure_entries_{log}"
        self.tables: tuple[str, ...] = (self.name,)
        self._query = query

    async def apply(self, connection: PoolConnectionProxy, entries: Sequence[StoredEntry]) -> None:
        """Index entries; those that are about nobody leave no row."""
        await connection.execute(self._query, [stored.position for stored in entries])


BOOKS = SealedBy("books", _QUERIES.index_books)
PUBLIC = SealedBy("public", _QUERIES.index_public)
