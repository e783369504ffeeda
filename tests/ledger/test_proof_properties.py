"""Proofs of every size up to 300, against the recursive definition of RFC 6962 2.1, written down as it stands there."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

import pytest

from ledger import merkle, proof
from ledger.errors import ProofError

SIZE_MAX = 300
LEAVES = [sha256(b"\x00" + n.to_bytes(2, "big")).digest() for n in range(SIZE_MAX)]
SIZES_PER_TEST = 50


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


@cache
def mth(start: int, end: int) -> bytes:
    """The Merkle tree hash of leaves `start` to `end`."""
    n = end - start
    if n == 0:
        return sha256(b"").digest()
    if n == 1:
        return LEAVES[start]
    k = largest_power_below(n)
    return sha256(b"\x01" + mth(start, start + k) + mth(start + k, end)).digest()


def path(m: int, start: int, end: int) -> list[bytes]:
    """PATH(m, D[start:end])."""
    n = end - start
    if n == 1:
        return []
    k = largest_power_below(n)
    if m < k:
        return [*path(m, start, start + k), mth(start + k, end)]
    return [*path(m - k, start + k, end), mth(start, start + k)]


def subproof(m: int, start: int, end: int, *, known: bool) -> list[bytes]:
    """SUBPROOF(m, D[start:end], known)."""
    n = end - start
    if m == n:
        return [] if known else [mth(start, end)]
    k = largest_power_below(n)
    if m <= k:
        return [*subproof(m, start, start + k, known=known), mth(start + k, end)]
    return [*subproof(m - k, start + k, end, known=False), mth(start, start + k)]


def read_of(size: int) -> proof.Read:
    return lambda nodes: [mth(index << level, min((index + 1) << level, size)) for level, index in nodes]


STARTS = pytest.mark.parametrize("start", range(1, SIZE_MAX + 1, SIZES_PER_TEST))


@STARTS
def test_every_leaf_of_every_size_has_the_path_of_the_definition_and_it_proves(start: int) -> None:
    for size in range(start, start + SIZES_PER_TEST):
        root = mth(0, size)
        assert merkle.root(LEAVES[:size]) == root
        for index in range(size):
            built = proof.inclusion(read_of(size), index, size)
            assert built == path(index, 0, size)
            merkle.verify_inclusion(LEAVES[index], index, size, built, root)


@STARTS
def test_every_pair_of_sizes_has_the_proof_of_the_definition_and_it_proves(start: int) -> None:
    for new_size in range(start, start + SIZES_PER_TEST):
        for old_size in range(1, new_size + 1):
            built = proof.consistency(read_of(new_size), old_size, new_size)
            assert built == subproof(old_size, 0, new_size, known=True)
            merkle.verify_consistency(old_size, new_size, mth(0, old_size), mth(0, new_size), built)


@STARTS
def test_a_path_proves_neither_another_leaf_nor_another_root(start: int) -> None:
    for size in range(max(start, 2), start + SIZES_PER_TEST):
        index = size * 7 % size or size // 2
        built, root = path(index, 0, size), mth(0, size)
        other = (index + 1) % size
        for leaf, place, at in (
            (LEAVES[other], index, root),
            (LEAVES[index], other, root),
            (LEAVES[index], index, LEAVES[0]),
        ):
            with pytest.raises(ProofError):
                merkle.verify_inclusion(leaf, place, size, built, at)
        with pytest.raises(ProofError):
            merkle.verify_consistency(
                size - 1, size, mth(0, size - 1), LEAVES[0], subproof(size - 1, 0, size, known=True)
            )
