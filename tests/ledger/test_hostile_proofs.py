"""Proofs, openings and entries that somebody made up: each is refused in its own way, and none is believed."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import merkle
from ledger.errors import EntryError, ProofError
from ledger.slots import Opening, verify_opening
from ledger.types import LogName
from ledger.verify import EntryChecker
from tests.ledger.made import BYTES
from tests.support.hostile import hostile
from tests.support.logs import EMPTY_SLOTS, origin_of

EXAMPLES = settings(max_examples=200, deadline=None)
HASHES = [hashlib.sha256(bytes([n])).digest() for n in range(9)]
SIZES = st.integers(-2, 2**70) | st.integers(0, 12)
NODES = st.sampled_from(HASHES) | st.binary(max_size=40)
PATHS = st.lists(NODES, max_size=9)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec=None)), inner, max_size=3),
    max_leaves=6,
)


@EXAMPLES
@given(NODES, SIZES, SIZES, PATHS, NODES)
def test_an_inclusion_proof_is_refused_or_right(
    leaf: bytes, index: int, size: int, path: list[bytes], root: bytes
) -> None:
    with contextlib.suppress(ProofError):
        merkle.verify_inclusion(leaf, index, size, path, root)
        assert (root == leaf) == (size == 1)


@EXAMPLES
@given(SIZES, SIZES, NODES, NODES, PATHS)
def test_a_consistency_proof_is_refused_or_right(
    old: int, new: int, first: bytes, second: bytes, path: list[bytes]
) -> None:
    with contextlib.suppress(ProofError):
        merkle.verify_consistency(old, new, first, second, path)
        assert old in {0, new}, "nobody finds such a path by chance"


@EXAMPLES
@given(st.data(), st.sampled_from([0, 8, 9, 16]))
def test_a_made_up_opening_is_never_believed(data: st.DataObject, slot_count: int) -> None:
    """Attacks A1: one gift is proved to one giver."""
    name, path = data.draw(st.text(st.characters(codec=None), max_size=20)), tuple(data.draw(PATHS))
    shown = Opening("giving.gift.received.v1", data.draw(SIZES), name, data.draw(JSON), data.draw(NODES), path)
    with pytest.raises(EntryError) as refused:
        verify_opening(shown, slot_count, EMPTY_SLOTS.root)
    assert refused.value.code == "opening-invalid"


@pytest.mark.parametrize("log", ["audit", "books", "public"])
@EXAMPLES
@given(data=st.data())
def test_an_entry_is_judged_and_nothing_else_is_raised(log: LogName, data: st.DataObject) -> None:
    """Attacks A15: any exception while judging an entry would be a way to stop the judge."""
    checker = EntryChecker(origin_of(log), log)
    with contextlib.suppress(EntryError):
        checker.check(data.draw(st.integers(0, 3)), data.draw(hostile([BYTES])))
