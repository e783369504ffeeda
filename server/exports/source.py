"""What an export reads of a log, in reads that are short and bounded, however long the range is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sql
from ledger import proof, tiles
from ledger.export import NOT_CARRIED
from ledger.facts import Triple
from ledger.rows import transposed
from server.public.nodes import Node, TileKey, node_hash, tiles_needed

if TYPE_CHECKING:
    import asyncpg

    from ledger.types import LogName

ENTRIES_PER_READ_MAX = 1_024
SCANNED_PER_READ_MAX = 65_536

_queries = sql.load("exports")
_lists = sql.load("public")


@dataclass(frozen=True, slots=True)
class Declaring:
    """An entry by which later ones are judged."""

    position: int
    type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """The newest month that was closed, and where."""

    position: int
    period: str


class Source:
    """One log, read by a pool whose role may do so. For `public` that role need not be able to read anything else."""

    def __init__(self, pool: asyncpg.Pool, log: LogName) -> None:
        self.log = log
        self._pool = pool

    async def size(self) -> int:
        """How many entries a checkpoint covers: no range ends beyond that."""
        return int(await self._pool.fetchval(self._named(_queries.newest_size), self.log))

    async def covering(self, size: int) -> tuple[int, str]:
        """The earliest checkpoint of `size` entries or more: its size and note. LookupError before there is one."""
        row = await self._pool.fetchrow(self._named(_queries.covering), self.log, size)
        if row is None:
            raise LookupError(f"no checkpoint of {self.log} covers {size} entries")
        return row["size"], row["note"]

    async def entries(self, first: int, end: int) -> AsyncIterator[list[tuple[bytes, bytes]]]:
        """(bytes, leaf hash) of entries `first` to `end - 1`, batch by batch."""
        for start in range(first, end, ENTRIES_PER_READ_MAX):
            last = min(start + ENTRIES_PER_READ_MAX, end)
            rows = await self._pool.fetch(self._named(_queries.entries), self.log, start, last)
            yield [(row["bytes"], row["leaf_hash"]) for row in rows]

    async def entries_at(self, positions: Iterable[int]) -> dict[int, bytes]:
        """The bytes of the entries at some positions."""
        rows = await self._pool.fetch(self._named(_queries.entries_at), self.log, list(positions))
        return {row["position"]: row["bytes"] for row in rows}

    async def at_us(self, position: int) -> int:
        """When an entry was made."""
        return int(await self._pool.fetchval(self._named(_queries.at), self.log, position))

    async def declaring(self, end: int) -> list[Declaring]:
        """The entries before `end` that declare something. A log holds few."""
        found = []
        for start in range(0, end, SCANNED_PER_READ_MAX):
            last = min(start + SCANNED_PER_READ_MAX, end)
            rows = await self._pool.fetch(self._named(_queries.declaring), self.log, start, last, list(NOT_CARRIED))
            found += [Declaring(*row) for row in rows]
        return found

    async def newest_close(self, before: int) -> Close | None:
        """The newest close before a position."""
        row = await self._pool.fetchrow(self._named(_queries.newest_close), self.log, before)
        return Close(row["position"], row["period"]) if row else None

    async def balances(self, size: int) -> dict[Triple, int]:
        """The balances after the first `size` entries; zeros may be among them. A close is what they are held against.

        From the lists of `public` where they reach that far, which takes as long for any size; else summed from bytes.
        """
        if self.log == "public" and await self._pool.fetchval(_lists.newest_month, column=1) >= size:
            rows = await self._pool.fetch(_lists.balances_at, size)
            return {(row["account"], row["asset"], row["fund"]): int(row["balance"]) for row in rows}
        total: dict[Triple, int] = {}
        for start in range(0, size, SCANNED_PER_READ_MAX):
            last = min(start + SCANNED_PER_READ_MAX, size)
            for row in await self._pool.fetch(self._named(_queries.sums), self.log, start, last):
                triple = (row["account"], row["asset"], row["fund"])
                total[triple] = total.get(triple, 0) + int(row["amount"])
        return total

    async def nodes(self, wanted: list[Node], size: int) -> list[bytes]:
        """The hashes of nodes in the tree of `size` leaves, folded at its right edge."""
        held: dict[TileKey, bytes] = {}
        keys = tiles_needed(wanted, size)
        for _, n in sorted(key for key in keys if key[0] == 0):
            first = n * tiles.TILE_WIDTH
            arguments = first, min(first + tiles.TILE_WIDTH, size)
            held[0, n] = await self._pool.fetchval(self._named(_queries.leaf_hashes), self.log, *arguments) or b""
        if stored := sorted(key for key in keys if key[0] > 0):
            for row in await self._pool.fetch(self._named(_queries.stored_tiles), self.log, *transposed(stored, 2)):
                held[row["level"], row["n"]] = row["hashes"]
        return proof.folding(lambda nodes: [node_hash(held, node) for node in nodes], size)(wanted)

    async def papers(self, size: int) -> Mapping[str, bytes]:
        """What exports carry besides the log, by kind, for ranges that end at `size`."""
        rows = await self._pool.fetch(self._named(_queries.papers), self.log, size)
        return {row["kind"]: row["content"] for row in rows}

    def _named(self, query: str) -> str:
        # The reader's role may read the partitions of `public`, the auditor's the tables above them.
        return query if self.log == "public" else query.replace("_public", "")
