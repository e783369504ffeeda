"""The Merkle tree of RFC 6962 over leaf hashes: roots, a growing frontier, and the proofs' arithmetic. Pure. SPEC.md 8.

A node `(level, index)` is the tree hash of leaves `[index * 2^level, (index + 1) * 2^level)`. At the right edge of a
tree of `size` leaves the range stops at `size`: such a partial node is folded from complete ones (`complete_nodes`,
`fold`) and never stored, because it changes as the tree grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from ledger.errors import ProofError
from ledger.grammar import HASH_BYTES

EMPTY_ROOT = sha256(b"").digest()


Node = tuple[int, int, bytes]
"""(level, index, hash) of a complete subtree."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The complete subtrees of a tree, largest first: all that is needed to append and to know the root."""

    __slots__ = ("_hashes", "_size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """Continues from `size` leaves with their subtree hashes, largest first; ProofError if they do not fit."""
        self._hashes = list(hashes)
        self._size = size
        if size < 0 or len(self._hashes) != size.bit_count() or any(len(h) != HASH_BYTES for h in self._hashes):
            raise ProofError(f"{len(self._hashes)} hashes are no frontier of {size} leaves")

    @property
    def size(self) -> int:
        """Leaves so far."""
        return self._size

    def hashes(self) -> list[bytes]:
        """The complete subtrees' hashes, largest first; `Frontier(size, hashes)` continues from them."""
        return list(self._hashes)

    def append(self, leaf_hash: bytes) -> list[Node]:
        """Adds one leaf; returns the subtrees of two leaves and more that it completed, smallest first."""
        completed: list[Node] = []
        index, level, node = self._size, 0, leaf_hash
        while index & 1:
            node = sha256(b"\x01" + self._hashes.pop() + node).digest()
            index >>= 1
            level += 1
            completed.append((level, index, node))
        self._hashes.append(node)
        self._size += 1
        return completed

    def root(self) -> bytes:
        """Root hash of the tree; of nothing when it is empty."""
        return fold(self._hashes) if self._hashes else EMPTY_ROOT

    def copy(self) -> Frontier:
        """An independent frontier at the same size."""
        return Frontier(self._size, self._hashes)


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """Root hash over leaf hashes in order."""
    nodes = list(leaf_hashes)
    # Level by level, neighbours together; one without a neighbour climbs as it is. That splits as RFC 6962 does.
    while len(nodes) > 1:
        odd = nodes[-1:] if len(nodes) & 1 else []
        nodes = [sha256(b"\x01" + nodes[i] + nodes[i + 1]).digest() for i in range(0, len(nodes) - 1, 2)] + odd
    return nodes[0] if nodes else EMPTY_ROOT


def fold(hashes: Sequence[bytes]) -> bytes:
    """One hash from neighbouring complete subtrees of falling size, left to right: the right edge of a tree."""
    result = hashes[-1]
    for left in reversed(hashes[:-1]):
        result = node_hash(left, result)
    return result


def complete_nodes(level: int, index: int, size: int) -> list[tuple[int, int]]:
    """The complete subtrees, left to right, that `fold` into node `(level, index)` of a tree of `size` leaves."""
    start, end = index << level, min((index + 1) << level, size)
    if start >= end:
        raise ProofError(f"node ({level}, {index}) lies outside a tree of {size} leaves")
    nodes: list[tuple[int, int]] = []
    while start < end:
        step = (end - start).bit_length() - 1
        nodes.append((step, start >> step))
        start += 1 << step
    return nodes


def inclusion_indexes(index: int, size: int) -> list[tuple[int, int]]:
    """The nodes of the inclusion path of leaf `index` in a tree of `size` leaves, the leaf's sibling first.

    Only the last nodes may be partial: whoever reads them folds at the right edge. ProofError for a leaf outside.
    """
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} lies outside a tree of {size} leaves")
    path: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        path.append(_node(middle, end) if index < middle else _node(start, middle))
        start, end = (start, middle) if index < middle else (middle, end)
    return path[::-1]


def consistency_indexes(old_size: int, new_size: int) -> list[tuple[int, int]]:
    """The nodes of the proof that `old_size` leaves are the beginning of `new_size`, in the order of RFC 6962 2.1.2.

    Empty for sizes that are equal and for an empty old tree. ProofError when the old tree is larger.
    """
    if not 0 <= old_size <= new_size:
        raise ProofError(f"a tree of {old_size} leaves is not the beginning of one of {new_size}")
    if old_size in (0, new_size):
        return []
    path: list[tuple[int, int]] = []
    start, end, known = 0, new_size, True
    while old_size != end:
        middle = start + _split(end - start)
        if old_size <= middle:
            path.append(_node(middle, end))
            end = middle
        else:
            path.append(_node(start, middle))
            start, known = middle, False
    if not known:
        path.append(_node(start, end))
    return path[::-1]


def verify_inclusion(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root_hash: bytes) -> None:
    """Returns if `path` proves leaf `index` under the root of `size` leaves; else ProofError (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} lies outside a tree of {size} leaves")
    inner = (index ^ (size - 1)).bit_length()
    expected = inner + (index >> inner).bit_count()
    _check_hashes(path, expected, f"the inclusion proof of leaf {index} in {size}")
    result = leaf_hash
    for i, sibling in enumerate(path):
        # Above the inner part the leaf lies on the right edge, where every sibling is on the left.
        left = i >= inner or index >> i & 1
        result = node_hash(sibling, result) if left else node_hash(result, sibling)
    if result != root_hash:
        raise ProofError(f"the inclusion proof of leaf {index} leads to another root than that of {size} leaves")


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Returns if `path` proves the old tree to be the beginning of the new one; else ProofError (RFC 9162 2.1.4.2)."""
    what = f"the consistency proof from {old_size} to {new_size}"
    _check_hashes(path, len(consistency_indexes(old_size, new_size)), what)
    if old_size in (0, new_size):
        if old_root != (EMPTY_ROOT if old_size == 0 else new_root):
            raise ProofError(f"{what}: the roots differ")
        if new_size == 0 and new_root != EMPTY_ROOT:
            raise ProofError(f"{what}: the root of an empty tree is SHA-256 of nothing")
        return
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    # An old tree that is one complete subtree is its own first node, so the proof leaves it out.
    nodes = [old_root, *path] if node == 0 else list(path)
    old = new = nodes[0]
    for sibling in nodes[1:]:
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if old != old_root or new != new_root:
        raise ProofError(f"{what} leads to other roots")


def _check_hashes(path: Sequence[bytes], expected: int, what: str) -> None:
    """Length first: a proof with hashes to spare could be read in more than one way."""
    if len(path) != expected:
        raise ProofError(f"{what} has {len(path)} hashes, not {expected}")
    if any(len(h) != HASH_BYTES for h in path):
        raise ProofError(f"{what} holds a hash that is not {HASH_BYTES} bytes long")


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _node(start: int, end: int) -> tuple[int, int]:
    """The node over leaves `[start, end)`, which RFC 6962's splits always align."""
    level = (end - start - 1).bit_length()
    return level, start >> level
