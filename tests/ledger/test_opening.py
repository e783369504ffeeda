"""An opening is judged by its entry, whatever is in it. The frozen one stays good for ever."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.canonical import parse_entry
from ledger.errors import MalformedError
from ledger.grammar import decode_base64
from ledger.opening import judge_opening, opening_line, read_opening
from ledger.slots import Opening
from tests.support.service import ROOT
from tests.vectors import log_v1

FROZEN = (ROOT / "tests/vectors/log-v1/gift.opening").read_bytes()
GOOD: dict[str, Any] = orjson.loads(FROZEN)
ENTRY = parse_entry(log_v1.public_log().entries[GOOD["position"]])

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def test_the_frozen_opening_is_good_and_is_what_we_write_today() -> None:
    judge_opening(read_opening(FROZEN), ENTRY)
    shown = [
        Opening(
            ENTRY.type,
            one["i"],
            one["name"],
            one["value"],
            decode_base64(one["salt"]),
            tuple(decode_base64(h) for h in one["path"]),
        )
        for one in GOOD["slots"]
    ]
    assert opening_line(ENTRY.log, ENTRY.position, shown) == FROZEN


@given(st.sampled_from(["log", "position", "slots"]), ANYTHING)
def test_another_member_in_its_place_is_refused(name: str, value: object) -> None:
    spoiled = {**GOOD, name: value}
    if spoiled == GOOD or value == []:
        return  # the same, or nothing shown
    with pytest.raises(MalformedError):
        judge_opening(read_opening(orjson.dumps(spoiled)), ENTRY)


@given(st.sampled_from(["i", "name", "path", "salt", "value"]), ANYTHING)
def test_a_slot_with_anything_else_in_it_is_refused(name: str, value: object) -> None:
    slot = {**GOOD["slots"][0], name: value}
    if orjson.dumps(slot) == orjson.dumps(GOOD["slots"][0]):
        return
    with pytest.raises(MalformedError):
        judge_opening({**GOOD, "slots": [slot]}, ENTRY)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_opening_are_an_answer(noise: bytes) -> None:
    for spoiled in (noise, FROZEN[:100] + noise):
        with pytest.raises(MalformedError):
            read_opening(spoiled)


def test_a_path_that_would_make_a_tree_of_many_slots_is_refused() -> None:
    for length in (0, 1, 2, 5, 100_000):
        slot = {**GOOD["slots"][0], "path": GOOD["slots"][0]["path"][:1] * length}
        with pytest.raises(MalformedError):
            judge_opening({**GOOD, "slots": [slot]}, ENTRY)
