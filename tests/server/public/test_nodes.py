"""Nodes are found in the tiles that hold them, and a tile that does not hold them is an error and not another hash."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle, proof
from ledger.errors import ProofError
from server.public.nodes import node_hash, tiles_needed

LEAVES = [hashlib.sha256(str(i).encode()).digest() for i in range(70_000)]
ROWS = [LEAVES]
while len(ROWS[-1]) >= 256:
    ROWS.append([merkle.root(ROWS[-1][i : i + 256]) for i in range(0, len(ROWS[-1]) // 256 * 256, 256)])


def tile(level: int, n: int, size: int) -> bytes:
    count = size >> (8 * level)
    return b"".join(ROWS[level][n * 256 : min(n * 256 + 256, count)])


@given(st.integers(1, 70_000), st.data())
def test_the_tiles_of_a_proof_are_enough_to_prove(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    held = {key: tile(*key, size) for key in tiles_needed(merkle.inclusion_indexes(index, size), size)}
    read = proof.folding(lambda nodes: [node_hash(held, node) for node in nodes], size)
    path = proof.inclusion(read, index, size)
    peaks, start = [], 0
    for height in reversed(range(17)):
        if size >> height & 1:
            peaks.append(merkle.root(ROWS[height // 8][start >> (8 * (height // 8)) :][: 1 << (height % 8)]))
            start += 1 << height
    merkle.verify_inclusion(LEAVES[index], index, size, path, merkle.fold(peaks))
    assert len(held) <= 6


def test_a_tile_too_short_for_the_node_is_an_error() -> None:
    with pytest.raises(ProofError, match="does not hold node"):
        node_hash({(0, 0): bytes(32 * 3)}, (2, 0))
    with pytest.raises(ProofError, match="tile 1 of level 1"):
        node_hash({}, (8, 300))
