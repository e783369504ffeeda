"""public → `public_lists`: what the filters of the ledger and the trial balances are read from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import sql
from ledger import canonical
from ledger.rows import transposed
from ledger.types import Entry, LogName, StoredEntry
from server.public.lines import Line, Name, lines
from server.public.words import own_text

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

_QUERIES = sql.load("public")


class ListsProjection:
    """Folds every entry of `public` into lists. The caller's transaction carries rows and tracking position."""

    name: str = "public_lists"
    log: LogName = "public"
    tables: tuple[str, ...] = ("public_lists", "public_lines", "public_months", "public_texts")

    async def apply(self, connection: PoolConnectionProxy, entries: Sequence[StoredEntry]) -> None:
        """Apply entries in order of position. Raises for one that is not what it says."""
        newest = await connection.fetchval(_QUERIES.newest_month) or ""
        found: list[Line] = []
        said: list[tuple[Entry, str, list[Line]]] = []
        months: dict[tuple[str, bool], tuple[int, int]] = {}
        for stored in entries:
            entry = canonical.parse_entry(stored.bytes)
            late = entry.period < newest
            newest = max(newest, entry.period)
            own = lines(entry, late=late)
            found += own
            if (text := own_text(entry)) is not None:
                said.append((entry, text, own))
            first, _ = months.get((entry.period, late), (entry.position, 0))
            months[entry.period, late] = first, entry.position
        ids = await _extend(connection, found)
        texts = [
            (entry.position, entry.period, " ".join({str(ids[line.name]) for line in own}), text)
            for entry, text, own in said
        ]
        await connection.execute(_QUERIES.add_texts, *transposed(texts, 4))
        await connection.execute(_QUERIES.add_months, *transposed([(*key, *months[key]) for key in months], 4))


async def _extend(connection: PoolConnectionProxy, found: Sequence[Line]) -> dict[Name, int]:
    """Put lines at the ends of their lists, which are made where there are none yet; return the lists' numbers."""
    names = list(dict.fromkeys(line.name for line in found))
    rows = await connection.fetch(_QUERIES.named_lists, *transposed(names, len(Name._fields)))
    known = {Name(*row[2:]) for row in rows}
    missing = [name for name in names if name not in known]
    rows += await connection.fetch(_QUERIES.add_lists, *transposed(missing, len(Name._fields)))
    ids = {Name(*row[2:]): row["id"] for row in rows}
    totals = {row["id"]: int(row["total"]) for row in rows}
    grown = Counter(ids[line.name] for line in found)
    added = []
    for line in found:
        number = ids[line.name]
        totals[number] += line.amount
        added.append((number, line.position, totals[number]))
    await connection.execute(_QUERIES.add_lines, *transposed(added, 3))
    await connection.execute(
        _QUERIES.set_totals, *transposed([(number, grown[number], totals[number]) for number in grown], 3)
    )
    return ids
