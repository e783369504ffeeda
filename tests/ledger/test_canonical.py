"""The one encoder and the one reader: they agree on every entry, and no bytes make the reader do anything but judge."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import canonical
from ledger.errors import EntryError
from ledger.types import Entry, Posting
from tests.ledger import made

KEYS = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=8)
INTEGERS = st.integers(-(2**53 - 1), 2**53 - 1)
TEXTS = st.text(max_size=12)
VALUES = st.recursive(
    INTEGERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def depth(value: object) -> int:
    """Levels of lists and objects."""
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth, items), default=0)
    return 0


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_is_written_reads_back_as_the_same_entry(data: dict[str, Any]) -> None:
    entry = replace(made.ENTRY, data=data)
    if depth(data) > 3:
        with pytest.raises(EntryError, match="nested too deeply"):
            canonical.encode_entry(entry)
        return
    encoded = canonical.encode_entry(entry)
    assert canonical.parse_entry(encoded) == entry
    assert canonical.encode_entry(canonical.parse_entry(encoded)) == encoded


@given(VALUES)
def test_encoding_is_rfc_8785(value: object) -> None:
    # json with sorted keys and no spaces is RFC 8785 for values without floats and keys of ASCII.
    expected = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical.encode(value).decode() == expected


@given(made.entries())
def test_any_entry_of_the_model_round_trips(entry: Entry) -> None:
    encoded = canonical.encode_entry(entry)
    assert canonical.parse_entry(encoded) == entry
    assert orjson.dumps(orjson.loads(encoded), option=orjson.OPT_SORT_KEYS) == encoded
    assert b"\n" not in encoded


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_an_entry_error(data: bytes) -> None:
    with pytest.raises(EntryError):
        canonical.parse_entry(data)


@given(st.integers(0, len(made.BYTES) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_no_spoiled_entry_raises_anything_but_an_entry_error(at: int, new: bytes, dropped: int) -> None:
    spoiled = made.BYTES[:at] + new + made.BYTES[at + dropped :]
    try:
        entry = canonical.parse_entry(spoiled)
    except EntryError:
        return
    assert canonical.encode_entry(entry) == spoiled


@given(st.sampled_from(sorted(orjson.loads(made.BYTES))), st.none() | st.booleans() | st.floats() | VALUES)
def test_no_spoiled_member_raises_anything_but_an_entry_error(name: str, value: object) -> None:
    spoiled = json.dumps({**orjson.loads(made.BYTES), name: value}, sort_keys=True, separators=(",", ":")).encode()
    try:
        entry = canonical.parse_entry(spoiled)
    except EntryError:
        return
    assert canonical.encode_entry(entry) == spoiled


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        1.0,
        float("nan"),
        float("inf"),
        2**53,
        -(2**53),
        10**5000,
        b"x",
        {1: "x"},
        {"A": 1},
        {"a.b": 1},
        {"": 1},
        {"\u00e9": 1},
        {"a": {"b": [None]}},
        ["\ud800"],
        {"a", "b"},
    ],
    ids=lambda value: str(type(value).__name__),
)
def test_what_json_readers_would_disagree_on_is_not_encoded(value: object) -> None:
    with pytest.raises(EntryError) as caught:
        canonical.encode(value)
    assert caught.value.code == "entry-malformed"


def test_the_registry_alone_may_have_dots_in_its_keys() -> None:
    assert canonical.encode({"b.c": 1, "a": (2, 3)}, dotted_keys=True) == b'{"a":[2,3],"b.c":1}'


def test_a_value_nested_for_ever_is_refused_not_followed() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(EntryError, match="nested too deeply"):
        canonical.encode(loop)


def test_the_largest_entry_has_16384_bytes() -> None:
    room = canonical.ENTRY_BYTES_MAX - len(canonical.encode_entry(replace(made.ENTRY, data={"x": ""})))
    encoded = canonical.encode_entry(replace(made.ENTRY, data={"x": "y" * room}))
    assert len(encoded) == canonical.ENTRY_BYTES_MAX
    assert canonical.parse_entry(encoded).data == {"x": "y" * room}
    with pytest.raises(EntryError) as caught:
        canonical.encode_entry(replace(made.ENTRY, data={"x": "y" * (room + 1)}))
    assert caught.value.code == "entry-too-large"


@pytest.mark.parametrize("size", [16_385, 65_536, 66_560])
def test_bytes_beyond_the_limit_are_refused_unread(size: int) -> None:
    with pytest.raises(EntryError) as caught:
        canonical.parse_entry(b"[" * size)
    assert caught.value.code == "entry-too-large"


def test_a_leaf_hash_is_of_rfc_6962() -> None:
    assert canonical.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert canonical.EMPTY_HASH.hex().startswith("e3b0c442")


def test_the_example_of_the_specification_is_an_entry() -> None:
    entry = canonical.parse_entry(made.BYTES)
    assert entry.postings[0] == Posting("assets:cash", "USD/2", "rent", 10330)
    assert canonical.format_at(entry.at_us) == "2026-09-01T12:10:00.000000Z"
    assert entry.private_root is not None
