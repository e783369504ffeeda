"""The right edge of the tree: which subtrees a frontier consists of, and the tiles that grow when entries are added.

Tiles of level 1 and above are stored; level 0 is the entries' own leaf hashes. A hash of a tile at level L is the root
of the full tile below it, so one is added for every 256^L entries (SPEC.md 9).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import sql
from ledger import merkle
from ledger.grammar import HASH_BYTES, decode_base64
from ledger.merkle import Node
from ledger.tiles import TILE_HEIGHT, TILE_WIDTH

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    from ledger.types import LogName

LEVELS_MAX = 7

_QUERIES = sql.load("ledger")


def edge_hashes(size: int, snapshot: Mapping[str, Any]) -> Iterator[Node]:
    """Return the frontier of a checker's snapshot as nodes, the largest first."""
    start = 0
    for text in snapshot["frontier"]:
        level = (size - start).bit_length() - 1
        yield level, start >> level, decode_base64(text)
        start += 1 << level


async def tile_growth(
    log: LogName, connection: PoolConnectionProxy, old_size: int, new_size: int
) -> list[tuple[int, int, bytes]]:
    """Return the tiles (level, n, hashes) that grow when the tree grows from `old_size` to `new_size`."""
    grown: dict[tuple[int, int], bytes] = {}
    for level in range(1, LEVELS_MAX + 1):
        height = TILE_HEIGHT * level
        first, end = old_size >> height, new_size >> height
        if first == end:
            break
        for index in range(first, end):
            below = await _full_tile(log, connection, level - 1, index, grown)
            digest = merkle.root([below[i : i + HASH_BYTES] for i in range(0, len(below), HASH_BYTES)])
            tile = (level, index // TILE_WIDTH)
            if tile not in grown:
                stored = await connection.fetchval(_QUERIES.edge_tile, log, *tile) if index % TILE_WIDTH else b""
                grown[tile] = (stored or b"")[: index % TILE_WIDTH * HASH_BYTES]
            grown[tile] += digest
    return [(level, n, hashes) for (level, n), hashes in grown.items()]


def disagreeing(
    grown: Iterable[tuple[int, int, bytes]], size: int, snapshot: Mapping[str, Any]
) -> tuple[int, int] | None:
    """Return the first of the grown tiles (level, n) whose hashes are not of the tree that `snapshot` is the edge of.

    What was stored before is under the same root as what was added, so a bit that turned in either shows. A tile that
    is full is judged by the hash that it left in the tile above it.
    """
    frontier = {(level, index): digest for level, index, digest in edge_hashes(size, snapshot)}
    for level, n, held in grown:
        hashes = [held[i : i + HASH_BYTES] for i in range(0, len(held), HASH_BYTES)]
        low, height = n * TILE_WIDTH, TILE_HEIGHT * level
        for (node_level, index), digest in frontier.items():
            first, width = (index << node_level >> height) - low, 1 << node_level >> height
            if width and 0 <= first < TILE_WIDTH and width < TILE_WIDTH:
                below = hashes[first : first + width]
                if len(below) != width or merkle.root(below) != digest:
                    return level, n
    return None


async def _full_tile(
    log: LogName, connection: PoolConnectionProxy, level: int, n: int, grown: Mapping[tuple[int, int], bytes]
) -> bytes:
    if level == 0:
        rows = await connection.fetch(_QUERIES.entries, log, n * TILE_WIDTH, TILE_WIDTH)
        return b"".join(row["leaf_hash"] for row in rows)
    held = grown.get((level, n)) or await connection.fetchval(_QUERIES.edge_tile, log, level, n)
    return bytes(held)
