"""The tree, held against the definition of RFC 6962 written down once more here, for every size up to 64."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle
from ledger.errors import ProofError

SIZE_MAX = 64
LEAVES = [sha256(b"\x00%d" % i).digest() for i in range(SIZE_MAX + 1)]


def mth(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 2.1, over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    return [*path(m, leaves[:k]), mth(leaves[k:])] if m < k else [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 2.1.2."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def read(nodes: list[tuple[int, int]], size: int) -> list[bytes]:
    return [mth(LEAVES[:size][i << level : (i + 1) << level]) for level, i in nodes]


@pytest.mark.parametrize("size", range(SIZE_MAX + 1))
def test_roots_and_inclusion_proofs_are_those_of_the_definition(size: int) -> None:
    leaves = LEAVES[:size]
    root = merkle.root(leaves)
    assert root == mth(leaves)
    for index in range(size):
        found = read(merkle.inclusion_indexes(index, size), size)
        assert found == path(index, leaves)
        merkle.verify_inclusion(leaves[index], index, size, found, root)


@pytest.mark.parametrize("new", range(SIZE_MAX + 1))
def test_consistency_proofs_are_those_of_the_definition(new: int) -> None:
    for old in range(new + 1):
        found = read(merkle.consistency_indexes(old, new), new)
        assert found == (subproof(old, LEAVES[:new], whole=True) if old else [])
        merkle.verify_consistency(old, new, mth(LEAVES[:old]), mth(LEAVES[:new]), found)


@pytest.mark.parametrize("size", range(1, SIZE_MAX + 1))
def test_an_inclusion_proof_proves_one_leaf_at_one_index_of_one_size(size: int) -> None:
    root = mth(LEAVES[:size])
    for index in range(size):
        found = path(index, LEAVES[:size])
        for other in range(size):
            if other != index:
                with pytest.raises(ProofError):
                    merkle.verify_inclusion(LEAVES[index], other, size, found, root)
        for spoiled in (found[1:], found[:-1]) if found else ():
            with pytest.raises(ProofError, match=f"has {len(found) - 1} hashes"):
                merkle.verify_inclusion(LEAVES[index], index, size, spoiled, root)
        with pytest.raises(ProofError):
            merkle.verify_inclusion(LEAVES[index], index, size, [*found, LEAVES[0]], root)


@given(st.data())
def test_a_consistency_proof_with_one_byte_changed_proves_nothing(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, SIZE_MAX))
    old = data.draw(st.integers(1, new - 1))
    parts = [mth(LEAVES[:old]), mth(LEAVES[:new]), *subproof(old, LEAVES[:new], whole=True)]
    which, byte = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 31))
    part = bytearray(parts[which])
    part[byte] ^= data.draw(st.integers(1, 255))
    parts[which] = bytes(part)
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, new, parts[0], parts[1], parts[2:])


def test_a_frontier_grows_reports_completed_subtrees_and_continues_from_its_hashes() -> None:
    frontier = merkle.Frontier()
    assert frontier.root() == merkle.EMPTY_ROOT
    for size, leaf in enumerate(LEAVES, 1):
        completed = frontier.append(leaf)
        expected = [(level, (size >> level) - 1) for level in range(1, 8) if size % (1 << level) == 0]
        assert [(level, index) for level, index, _ in completed] == expected
        for level, index, node in completed:
            assert node == mth(LEAVES[index << level : (index + 1) << level])
        assert (frontier.size, frontier.root()) == (size, mth(LEAVES[:size]))
        frontier = merkle.Frontier(frontier.size, frontier.hashes())


def test_a_copied_frontier_grows_apart() -> None:
    frontier = merkle.Frontier(1, [LEAVES[0]])
    copy = frontier.copy()
    copy.append(LEAVES[1])
    assert (frontier.size, frontier.root()) == (1, LEAVES[0])
    assert copy.root() == mth(LEAVES[:2])


@pytest.mark.parametrize(("size", "hashes"), [(-1, []), (0, [bytes(32)]), (1, []), (3, [bytes(32)]), (1, [bytes(31)])])
def test_hashes_that_are_no_frontier_of_the_size_are_refused(size: int, hashes: list[bytes]) -> None:
    with pytest.raises(ProofError, match=f"no frontier of {size}"):
        merkle.Frontier(size, hashes)


@given(st.integers(1, SIZE_MAX), st.data())
def test_complete_nodes_fold_into_every_node_of_a_tree(size: int, data: st.DataObject) -> None:
    level = data.draw(st.integers(0, 7))
    index = data.draw(st.integers(0, (size - 1) >> level))
    nodes = merkle.complete_nodes(level, index, size)
    assert all((i + 1) << at <= size for at, i in nodes)
    assert [merkle.fold(read(nodes, size))] == read([(level, index)], size)


@pytest.mark.parametrize(("level", "index", "size"), [(0, 1, 1), (0, 0, 0), (3, 1, 8), (63, 1, 5)])
def test_a_node_outside_the_tree_is_refused(level: int, index: int, size: int) -> None:
    with pytest.raises(ProofError, match="outside"):
        merkle.complete_nodes(level, index, size)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (8, 8)])
def test_a_leaf_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ProofError, match="outside"):
        merkle.inclusion_indexes(index, size)
    with pytest.raises(ProofError, match="outside"):
        merkle.verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])


@pytest.mark.parametrize(("old", "new"), [(2, 1), (-1, 1), (1, 0)])
def test_a_tree_is_not_the_beginning_of_a_smaller_one(old: int, new: int) -> None:
    with pytest.raises(ProofError, match="not the beginning"):
        merkle.verify_consistency(old, new, LEAVES[0], LEAVES[0], [])


def test_an_empty_tree_has_the_root_of_nothing_on_both_sides() -> None:
    merkle.verify_consistency(0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [])
    merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, LEAVES[0], [])
    for old_root, new_root in ((LEAVES[0], merkle.EMPTY_ROOT), (merkle.EMPTY_ROOT, LEAVES[0])):
        with pytest.raises(ProofError):
            merkle.verify_consistency(0, 0, old_root, new_root, [])


def test_a_hash_of_another_length_is_refused_before_anything_is_hashed() -> None:
    with pytest.raises(ProofError, match="not 32 bytes"):
        merkle.verify_inclusion(LEAVES[0], 0, 2, [b"short"], LEAVES[0])


def test_sizes_of_sixty_bits_are_no_work() -> None:
    size = 2**53 - 1
    assert len(merkle.inclusion_indexes(size - 1, size)) == 52
    assert len(merkle.consistency_indexes(size - 1, size)) <= 63
