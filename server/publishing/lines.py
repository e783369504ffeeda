"""`data.lines`: what a batch is made of, as one root that every line can be proved under. Pure. Attacks A6.

A leaf is the private root of the line's own entry in `books`, so a vendor's or giver's opening of that entry and a path
prove the line. Random leaves fill the tree to 16, 64 or 256 (and on in steps of four), so its depth counts nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ledger import merkle
from ledger.grammar import HASH_BYTES

LINES_MIN = 16
_GROWTH = 4


@dataclass(frozen=True, slots=True)
class Lines:
    """The leaves' values in their shuffled order, and the root over them. Keep `values` to prove a line later."""

    values: tuple[bytes, ...]
    root: bytes


def build(line_roots: Sequence[bytes], random: Callable[[int], bytes]) -> Lines:
    """Fill up and shuffle: where a line stands says nothing about when it was booked."""
    size = LINES_MIN
    while size < len(line_roots):
        size *= _GROWTH
    values = [*line_roots, *(random(HASH_BYTES) for _ in range(size - len(line_roots)))]
    dice = {value: random(HASH_BYTES) for value in values}
    ordered = tuple(sorted(values, key=lambda value: dice[value]))
    return Lines(ordered, merkle.root(map(leaf_hash, ordered)))


def leaf_hash(line_root: bytes) -> bytes:
    """RFC 6962's leaf hash of one line's root."""
    return sha256(b"\x00" + line_root).digest()


def path(values: Sequence[bytes], index: int) -> list[bytes]:
    """The inclusion proof of the line at `index`; `merkle.verify_inclusion` checks it. IndexError if there is none."""
    if not 0 <= index < len(values):
        raise IndexError(f"there is no line {index} among {len(values)}")
    hashes = [leaf_hash(value) for value in values]
    return [
        merkle.root(hashes[number << level : min((number + 1) << level, len(hashes))])
        for level, number in merkle.inclusion_indexes(index, len(hashes))
    ]
