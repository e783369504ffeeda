"""From the nodes of a proof to the tiles they are read from, and back. Pure.

Tile `n` of level `l` holds nodes `(8 * l, 256 * n + i)`; every complete node below the next tile level is the root of
a power of two of neighbouring hashes of one tile (c2sp.org/tlog-tiles).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ledger import merkle
from ledger.errors import ProofError
from ledger.grammar import HASH_BYTES
from ledger.tiles import TILE_HEIGHT, TILE_WIDTH

TileKey = tuple[int, int]
"""(level, n) of a tile."""

Node = tuple[int, int]
"""(level, index) of a node of the tree."""


def tiles_needed(nodes: Iterable[Node], size: int) -> set[TileKey]:
    """The tiles from which the nodes of a proof in a tree of `size` leaves are computed."""
    parts = [part for level, index in nodes for part in merkle.complete_nodes(level, index, size)]
    return {_place(level, index)[0] for level, index in parts}


def node_hash(tiles: Mapping[TileKey, bytes], node: Node) -> bytes:
    """The hash of a complete node. Raises ProofError when its tile does not hold all of it."""
    key, start, count = _place(*node)
    hashes = tiles.get(key, b"")[start * HASH_BYTES : (start + count) * HASH_BYTES]
    if len(hashes) != count * HASH_BYTES:
        raise ProofError(f"tile {key[1]} of level {key[0]} does not hold node {node}")
    return merkle.root(hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES))


def _place(level: int, index: int) -> tuple[TileKey, int, int]:
    """The tile of a node, its first hash there, and how many hashes it spans."""
    tile_level, height = divmod(level, TILE_HEIGHT)
    n, start = divmod(index << height, TILE_WIDTH)
    return (tile_level, n), start, 1 << height
