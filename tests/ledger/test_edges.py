"""Tiles above level 0 grow to what the whole tree says, in whatever steps it grew."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable

import pytest

import sql
from ledger import merkle
from ledger.edges import disagreeing, edge_hashes, tile_growth
from ledger.grammar import encode_base64
from ledger.merkle import Frontier
from server.db import Database

SIZE = 65_536 + 256 * 3 + 17


def roots(hashes: list[bytes]) -> list[bytes]:
    return [merkle.root(hashes[i : i + 256]) for i in range(0, len(hashes) - len(hashes) % 256, 256)]


@pytest.mark.parametrize("steps", [(0, SIZE), (0, 255, 256, 257, 5_000, 65_535, 65_536, SIZE)])
async def test_stored_tiles_are_those_of_the_whole_tree(
    database: Database, postgres_admin: Callable[[str], Awaitable[str]], steps: tuple[int, ...]
) -> None:
    await postgres_admin(f"select ledger_add_partitions('public', {SIZE}, 65536)")
    await postgres_admin(
        "insert into ledger_entries select 'public', n, 't', 'p', n, 'xx', sha256(n::text::bytea)"
        f" from generate_series(0, {SIZE - 1}) n"
    )
    async with database.signer.acquire() as connection:
        for before, after in itertools.pairwise(steps):
            for tile in await tile_growth("public", connection, before, after):
                await connection.execute(sql.load("ledger").grow_tiles, "public", *([column] for column in tile))
        hashes = [row[0] for row in await connection.fetch("select leaf_hash from ledger_entries order by position")]
        tiles = await connection.fetch("select level, n, hashes from ledger_tiles order by 1, 2")
    level1 = roots(hashes)
    assert [(row["level"], row["n"], row["hashes"]) for row in tiles] == [
        (1, 0, b"".join(level1[:256])),
        (1, 1, b"".join(level1[256:])),
        (2, 0, merkle.root(level1[:256])),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 70_000])
def test_a_frontier_is_named_by_the_nodes_it_consists_of(size: int) -> None:
    frontier = Frontier()
    completed: dict[tuple[int, int], bytes] = {}
    for n in range(size):
        leaf = completed[0, n] = bytes([n % 251]) * 32
        completed.update({(level, index): digest for level, index, digest in frontier.append(leaf)})
    edge = list(edge_hashes(size, {"frontier": [encode_base64(digest) for digest in frontier.hashes()]}))
    assert sum(1 << level for level, _, _ in edge) == size
    assert all(completed[level, index] == digest for level, index, digest in edge)


@pytest.mark.parametrize("size", [256, 600, 5_000, 65_536, 65_536 + 700])
def test_a_turned_bit_in_any_hash_of_a_grown_tile_is_told(size: int) -> None:
    """f.10, bit flip in a tile: also in the part that had been stored before."""
    frontier, leaves = Frontier(), [bytes([n % 251]) * 32 for n in range(size)]
    for leaf in leaves:
        frontier.append(leaf)
    snapshot = {"frontier": [encode_base64(digest) for digest in frontier.hashes()]}
    level1 = roots(leaves)
    tiles = {(1, n): level1[n * 256 : n * 256 + 256] for n in range((len(level1) + 255) // 256)}
    if above := roots(level1):
        tiles[2, 0] = above
    grown = [(level, n, b"".join(hashes)) for (level, n), hashes in tiles.items()]
    assert disagreeing(grown, size, snapshot) is None
    at_the_edge = [tile for tile in tiles if len(tiles[tile]) < 256]
    for number, (level, n, held) in enumerate(grown):
        for at in range(0, len(held), 1_056) if (level, n) in at_the_edge else ():
            turned = held[:at] + bytes([held[at] ^ 4]) + held[at + 1 :]
            assert disagreeing([*grown[:number], (level, n, turned), *grown[number + 1 :]], size, snapshot) == (
                level,
                n,
            )
    assert at_the_edge
