"""The lines of a batch as one root: every line can be proved, and the root tells nothing (attacks A6)."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle
from ledger.errors import ProofError
from server.publishing.lines import build, leaf_hash, path

ROOTS = st.lists(st.binary(min_size=32, max_size=32), max_size=40, unique=True)


@given(ROOTS)
def test_every_line_is_proved_under_the_root_and_a_foreign_one_is_not(roots: list[bytes]) -> None:
    lines = build(roots, os.urandom)
    size = len(lines.values)
    for root in roots:
        index = lines.values.index(root)
        proof = path(lines.values, index)
        merkle.verify_inclusion(leaf_hash(root), index, size, proof, lines.root)
        with pytest.raises(ProofError):
            merkle.verify_inclusion(leaf_hash(os.urandom(32)), index, size, proof, lines.root)


@pytest.mark.parametrize(("count", "size"), [(1, 16), (11, 16), (16, 16), (17, 64), (65, 256), (257, 1024)])
def test_the_depth_counts_nobody(count: int, size: int) -> None:
    """Attacks B5: a proof's length tells one of a few sizes, never how many lines there are."""
    lines = build([os.urandom(32) for _ in range(count)], os.urandom)
    assert len(lines.values) == size


def test_the_same_lines_have_another_root_each_time() -> None:
    roots = [bytes([number]) * 32 for number in range(11)]
    assert len({build(roots, os.urandom).root for _ in range(10)}) == 10


def test_there_is_no_path_for_a_line_that_is_not_there() -> None:
    lines = build([os.urandom(32)], os.urandom)
    for index in (-1, 16):
        with pytest.raises(IndexError, match="there is no line"):
            path(lines.values, index)
