"""Canonical JSON: legal values come back from their bytes, and nothing illegal, however deep, gets any."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import canonical
from ledger.errors import EntryError
from ledger.grammar import INT_MAX

KEYS = st.text("abcxyz019_", min_size=1, max_size=8)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
LEGAL = st.recursive(
    TEXTS | st.integers(-INT_MAX, INT_MAX),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
ILLEGAL = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.binary(max_size=4),
    st.integers(min_value=INT_MAX + 1),
    st.integers(max_value=-INT_MAX - 1),
    st.text(st.characters(codec=None, categories=["Cs"]), min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(["A", "", "a b", "ä", "a\n", "\x00"]), st.just(1), min_size=1),
    st.just({1: 1}),
)


@settings(max_examples=300, deadline=None)
@given(LEGAL)
def test_what_is_legal_comes_back_from_its_bytes_and_gives_the_same_again(value: object) -> None:
    data = canonical.encode(value)
    assert orjson.loads(data) == value
    assert canonical.encode(orjson.loads(data)) == data


@settings(max_examples=300, deadline=None)
@given(LEGAL, ILLEGAL, st.lists(st.booleans(), max_size=8))
def test_what_is_illegal_is_refused_wherever_it_hides(beside: object, value: object, around: list[bool]) -> None:
    for in_list in around:
        value = [beside, value] if in_list else {"a": beside, "b": value}
    with pytest.raises(EntryError) as refusal:
        canonical.encode(value)
    assert refusal.value.code == "entry-malformed"


@pytest.mark.parametrize("depth", [33, 1_000, 100_000])
def test_what_is_nested_too_deeply_is_refused_without_being_gone_through(depth: int) -> None:
    value: object = 1
    for _ in range(depth):
        value = [value]
    with pytest.raises(EntryError, match="nested too deeply"):
        canonical.encode(value)
