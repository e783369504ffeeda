"""Reading the lists of `public`: balances at any size, and pages of whatever a filter asks for.

Both cost the same however long the log is. A balance is the newest line of each list before that size; a page is never
more than its limit from each list that fits, and mostly a few. What the log declares bounds how many lists there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sql
from ledger import postings
from ledger.rows import transposed
from server.http.problems import INVALID_INPUT
from server.public.filters import Filter
from server.public.proofs import CoveredSize, NotCovered, covered_size, signed_size, snapshot
from server.public.reads import Page, Place

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

_queries = sql.load("public")

Triple = tuple[str, str, str]
"""(account, asset, fund)."""


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Every balance that is not zero after the first `covered.size` entries, in order, in minor units."""

    covered: CoveredSize
    balances: dict[Triple, int]

    @property
    def digest(self) -> bytes:
        """As `ledger.period.closed.v1` states it; SPEC.md 12.3."""
        return postings.balances_hash(self.balances)


class ListReads:
    """Reads over the pool of the role `reader`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def trial_balance(self, size: int | None) -> TrialBalance | NotCovered:
        """The balances after the first `size` entries; None: as many as are signed and in the lists."""
        async with snapshot(self._pool) as connection:
            folded: int = await connection.fetchval(_queries.newest_month, column=1)
            reached = min(await signed_size(connection), folded)
            at = reached if size is None else size
            covered = await covered_size(connection, at) if 0 < at <= reached else None
            if covered is None:
                return NotCovered(reached)
            rows = await connection.fetch(_queries.balances_at, at)
        found = {(row["account"], row["asset"], row["fund"]): int(row["balance"]) for row in rows}
        return TrialBalance(covered, dict(sorted(found.items())))

    async def declared_names(self) -> dict[str, list[str]]:
        """What the log has declared, by kind: `fund`, `account`, `asset` and `type`."""
        names: dict[str, list[str]] = {}
        for row in await self._pool.fetch(_queries.declared_names):
            names.setdefault(row["kind"], []).append(row["name"])
        return names

    async def page(self, chosen: Filter, place: Place, limit: int, words: Sequence[str] = ()) -> Page:
        """One page of the entries that a filter asks for and that have all the `words`.

        `size` is how many entries the lists hold. Raises a Problem for words that mean nothing, as `the`.
        """
        query = _queries.older_in_lists if place.older else _queries.newer_in_lists
        # One more than is shown says whether there are more.
        wanted = limit + 1
        async with snapshot(self._pool) as connection:
            size: int = await connection.fetchval(_queries.newest_month, column=1)
            named = await _named(connection, words)
            lists = await connection.fetch(_queries.fitting_lists, *chosen.arguments(bool(words)), *named)
            texts = await _texts(connection, words, chosen, lists, place, wanted)
            told = [row for row in lists if row["worded"]]
            parts = transposed(
                [
                    (row["id"], row["first"], row["last"], few)
                    for row, few in zip(told, _few(told, wanted), strict=True)
                ],
                4,
            )
            rows = list(await connection.fetch(query, *parts, place.position, wanted, texts))
        more = len(rows) > limit
        shown = rows[:limit] if place.older else rows[-limit:]
        # Where a page does not end the list, it was reached from an entry on the other side of its place.
        behind = bool(rows) and 0 <= place.position < size
        return Page(size, shown, older=more if place.older else behind, newer=behind if place.older else more)


async def _named(connection: PoolConnectionProxy, words: Sequence[str]) -> tuple[list[str], list[str], list[int], int]:
    """The declared names that have some of the words, which ones as bits, and the bits of all that mean anything."""
    if not words:
        return [], [], [], 0
    meant, *rows = await connection.fetch(_queries.words_in_names, words)
    if not meant["bits"]:
        raise INVALID_INPUT(f"q: {' '.join(words)} is in too many texts to look for. Add another word.", pointer="?q")
    kinds, names, bits = transposed([tuple(row) for row in rows], 3)
    return kinds, names, bits, meant["bits"]


async def _texts(  # noqa: PLR0913, PLR0917 - what is looked for, where, and how far
    connection: PoolConnectionProxy,
    words: Sequence[str],
    chosen: Filter,
    lists: Sequence[asyncpg.Record],
    place: Place,
    wanted: int,
) -> list[int]:
    """Positions of entries that have the words in texts of their own, those nearest to the place."""
    if not words:
        return []
    query = _queries.older_texts if place.older else _queries.newer_texts
    among = None if chosen.is_any else [row["id"] for row in lists]
    rows = await connection.fetch(query, " ".join(words), place.position, among, chosen.period, wanted)
    return [row["position"] for row in rows]


def _few(lists: Sequence[asyncpg.Record], wanted: int) -> list[int]:
    """How many lines of each list are looked at first: its share of `wanted`, if it goes on as it went so far."""
    total = sum(row["count"] for row in lists)
    return [wanted * row["count"] // total + 2 for row in lists]
