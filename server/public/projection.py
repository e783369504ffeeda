"""public → `public_lists`: what the filters of the ledger and the trial balances are read from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sql
from ledger import canonical
from ledger.rows import transposed
from ledger.types import LogName, StoredEntry
from server.public.lines import Line, lines

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

_QUERIES = sql.load("public")


class ListsProjection:
    """Folds every entry of `public` into lists. The caller's transaction carries rows and tracking position."""

    name: str = "public_lists"
    log: LogName = "public"

    async def apply(self, connection: PoolConnectionProxy, entries: Sequence[StoredEntry]) -> None:
        """Apply entries in order of position. Raises for one that is not what it says."""
        newest = await connection.fetchval(_QUERIES.newest_month) or ""
        found: list[Line] = []
        months: dict[tuple[str, bool], tuple[int, int]] = {}
        for stored in entries:
            entry = canonical.parse_entry(stored.bytes)
            late = entry.period < newest
            newest = max(newest, entry.period)
            found += lines(entry, late=late)
            first, _ = months.get((entry.period, late), (entry.position, 0))
            months[entry.period, late] = first, entry.position
        columns = transposed(found, len(Line._fields))
        await connection.execute(_QUERIES.add_lists, *columns[:6])
        await connection.execute(_QUERIES.add_lines, *columns)
        await connection.execute(_QUERIES.add_months, *transposed([(*key, *months[key]) for key in months], 4))

    async def clear(self, connection: PoolConnectionProxy) -> None:
        """Empty the lists, before they are built again from position 0."""
        await connection.execute(_QUERIES.clear_lists)
