"""Reading proofs out of the stored tree: of one entry, and that one size is the beginning of another.

Each is read from one snapshot (E14), and costs a few tiles whatever the size: at most three of leaf hashes and seven
stored ones for each of its roots and paths.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sql
from ledger import merkle, proof, tiles
from server.public.nodes import Node, TileKey, node_hash, tiles_needed

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

_queries = sql.load("public")


@dataclass(frozen=True, slots=True)
class EntryProof:
    """An attempt to prove an entry: `text` when a checkpoint covers it, else whether it exists at all."""

    text: str | None
    exists: bool


@dataclass(frozen=True, slots=True)
class CoveredSize:
    """A size, its root, and why to believe it: the earliest checkpoint that covers it and the way there.

    `way` is the consistency proof from `size` to `checkpoint_size`, empty when that very size was signed. The earliest
    checkpoint never changes once there is one, so neither does this.
    """

    size: int
    root: bytes
    checkpoint_size: int
    checkpoint: str
    way: list[bytes]


@dataclass(frozen=True, slots=True)
class Consistency:
    """The proof that the tree of `first` leaves, whose root is `root`, is the beginning of `last`."""

    first: int
    root: bytes
    path: list[bytes]
    last: CoveredSize


@dataclass(frozen=True, slots=True)
class NotCovered:
    """Nothing can be proved that far yet. `reached`: the largest size of which it can, 0 before there is one."""

    reached: int


@contextlib.asynccontextmanager
async def snapshot(pool: asyncpg.Pool) -> AsyncIterator[PoolConnectionProxy]:
    """A connection that sees one moment of the database and changes nothing."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        yield connection


async def signed_size(connection: PoolConnectionProxy) -> int:
    """The size of the newest checkpoint; 0 before the first."""
    newest = await connection.fetchrow(_queries.newest_checkpoint)
    return newest["size"] if newest else 0


async def covered_size(connection: PoolConnectionProxy, size: int) -> CoveredSize | None:
    """The root at `size` (1 or more) under the earliest checkpoint that covers it; None before there is one."""
    checkpoint = await connection.fetchrow(_queries.covering_checkpoint, size)
    if checkpoint is None:
        return None
    end: int = checkpoint["size"]
    way = merkle.consistency_indexes(size, end)
    read = await _reader(connection, end, {end: way, size: [_top(size)]})
    return CoveredSize(size, read(size)([_top(size)])[0], end, checkpoint["note"], read(end)(way))


class ProofReads:
    """Proofs over the pool of the role `reader`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def entry(self, position: int) -> EntryProof:
        """The tlog-proof of one entry under the newest checkpoint."""
        async with snapshot(self._pool) as connection:
            head = await connection.fetchrow(_queries.newest_checkpoint)
            if head is None or position >= head["size"]:
                return EntryProof(None, bool(await connection.fetchval(_queries.exists, position)))
            size: int = head["size"]
            path = merkle.inclusion_indexes(position, size)
            read = await _reader(connection, size, {size: path})
        return EntryProof(proof.format_tlog_proof(position, read(size)(path), head["note"]), exists=True)

    async def consistency(self, first: int, last: int | None) -> Consistency | NotCovered:
        """The proof from `first` to `last` leaves, 1 <= first <= last; `last` None: the newest checkpoint's size."""
        async with snapshot(self._pool) as connection:
            signed = await signed_size(connection)
            end = signed if last is None else last
            covered = await covered_size(connection, end) if first <= end <= signed else None
            if covered is None:
                return NotCovered(signed)
            path = merkle.consistency_indexes(first, end)
            read = await _reader(connection, end, {end: path, first: [_top(first)]})
        return Consistency(first, read(first)([_top(first)])[0], read(end)(path), covered)


def _top(size: int) -> Node:
    """The node whose hash is the root of `size` leaves."""
    return (size - 1).bit_length(), 0


async def _reader(
    connection: PoolConnectionProxy, held_size: int, wanted: dict[int, list[Node]]
) -> Callable[[int], proof.Read]:
    """Fetch the tiles behind `wanted`, nodes by the size of their tree; returns what reads a tree of one such size."""
    keys = {key for size, nodes in wanted.items() for key in tiles_needed(nodes, size)}
    held = await _tiles(connection, keys, held_size)

    def of(size: int) -> proof.Read:
        return proof.folding(lambda nodes: [node_hash(held, node) for node in nodes], size)

    return of


async def _tiles(connection: PoolConnectionProxy, wanted: set[TileKey], size: int) -> dict[TileKey, bytes]:
    held: dict[TileKey, bytes] = {}
    for _, n in sorted(key for key in wanted if key[0] == 0):
        first = n * tiles.TILE_WIDTH
        last = min(first + tiles.TILE_WIDTH, size)
        held[0, n] = await connection.fetchval(_queries.leaf_hashes, first, last) or b""
    if stored := sorted(key for key in wanted if key[0] > 0):
        levels, numbers = [level for level, _ in stored], [n for _, n in stored]
        for row in await connection.fetch(_queries.stored_tiles, levels, numbers):
            held[row["level"], row["n"]] = row["hashes"]
    return held
