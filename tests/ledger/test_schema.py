"""Field specifications: which there are, and what each lets through."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import schema
from ledger.errors import EntryError
from ledger.grammar import encode_base64

DIGEST = encode_base64(bytes(32))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("spec", "good", "bad"),
    [
        ({"is": "slug"}, ["a", "a-b_1", "x" * 64], ["", "A", "x" * 65, "a b", 1, None, ["a"]]),
        ({"is": "enum", "of": ["a", "b"]}, ["a", "b"], ["c", "", 1, ["a"]]),
        ({"is": "date"}, ["2028-02-29"], ["2026-02-29", "2026-1-1", 20260101]),
        ({"is": "month"}, ["2026-12"], ["2026-13", "2026-12-01", 202612]),
        ({"is": "int", "min": -1, "max": 2}, [-1, 0, 2], [-2, 3, "1", True, 1.0]),
        ({"is": "digest"}, [DIGEST], [DIGEST[:-1], DIGEST[:-2] + "B=", "", 0]),
        ({"is": "amount"}, ["1", "-1"], ["0", "01", 1]),
        ({"is": "asset"}, ["USD/2"], ["usd", "", 2]),
        ({"is": "account"}, ["assets:cash", "points:members"], ["cash", "assets", 1]),
        ({"is": "fund"}, ["rent"], ["Rent", "", 1]),
        ({"is": "text", "max": 3}, ["", "a\nb", "\U0001f3e0" * 3], ["abcd", "a\t", "\u202e", 1]),
        ({"is": "list", "max": 2, "of": {"is": "slug"}}, [[], ["a", "b"], ("a",)], [["a"] * 3, ["A"], "ab", {"a": 1}]),
    ],
    ids=lambda value: value["is"] if isinstance(value, dict) else "",
)
def test_each_kind_lets_its_values_through_and_no_others(
    spec: dict[str, Any], good: list[object], bad: list[object]
) -> None:
    needed, checks = schema.compile_fields("ledger.test.done.v1", {"x": spec})
    assert needed == {"x"}
    assert [value for value in good if not checks["x"](value)] == []
    assert [value for value in bad if checks["x"](value)] == []


def test_a_field_that_may_be_left_out_is_not_needed() -> None:
    needed, checks = schema.compile_fields("a.b.c.v1", {"x": {"is": "slug", "need": "may"}, "y": {"is": "slug"}})
    assert (set(needed), set(checks)) == ({"y"}, {"x", "y"})


def test_text_is_for_the_ledgers_own_types_even_inside_a_list() -> None:
    text = {"is": "text", "max": 5}
    for spec in (text, {"is": "list", "max": 2, "of": text}):
        schema.compile_fields("ledger.a.b.v1", {"x": spec})
        with pytest.raises(EntryError, match="no specification"):
            schema.compile_fields("ledgers.a.b.v1", {"x": spec})


@given(JSON, st.text(max_size=5))
def test_no_json_raises_anything_but_an_entry_error(spec: Any, name: str) -> None:
    for fields in (
        {name: spec},
        {"x": {"is": spec}},
        {"x": {"is": "enum", "of": spec}},
        {"x": {"is": "list", "max": 1, "of": spec}},
    ):
        assert compiles(fields, spec) in (True, "registry-invalid")


def compiles(fields: Any, value: object) -> bool | str:
    """True if the specifications compile into checks that answer for `value`; else the code they are refused with."""
    try:
        _, checks = schema.compile_fields("ledger.a.b.v1", fields)
    except EntryError as error:
        return error.code
    return all(isinstance(check(value), bool) for check in checks.values())


@pytest.mark.parametrize("limit", [0, -1, schema.TEXT_MAX + 1, "5", True, None])
def test_a_text_has_a_limit_within_the_limit(limit: object) -> None:
    with pytest.raises(EntryError, match="max"):
        schema.compile_fields("ledger.a.b.v1", {"x": {"is": "text", "max": limit}})


def test_an_enum_has_at_most_64_values() -> None:
    with pytest.raises(EntryError, match=r"1\.\.64"):
        schema.compile_fields("a.b.c.v1", {"x": {"is": "enum", "of": [f"v{i}" for i in range(65)]}})
