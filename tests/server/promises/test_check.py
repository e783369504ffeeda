"""Judging a promise offline: kept, late, open, overdue, and everything that is none (attacks A1, A2)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.grammar import encode_base64
from ledger.note import SigningKey
from server.promises.check import PromiseInvalid, check
from server.promises.terms import LIVE_US
from tests.server.promises.files import BOOKED_US, LOG, ORIGIN, POSITION, PROMISED, Made, with_terms

KEYS = [LOG.verify_key]
DEADLINE_US = PROMISED.not_later_us


def test_a_promise_is_open_until_its_time_and_overdue_after_it() -> None:
    """A2: what was accepted and never published is evidence by itself."""
    data = Made().data(kept=False)
    assert check(data, KEYS, DEADLINE_US).state == "open"
    verdict = check(data, KEYS, DEADLINE_US + 1)
    assert (verdict.state, verdict.promised, verdict.position) == ("overdue", PROMISED, None)


def test_an_entry_that_opens_to_the_gift_keeps_it_whenever_it_is_looked_at() -> None:
    for now_us in (BOOKED_US, DEADLINE_US + 10**12):
        verdict = check(Made().data(), KEYS, now_us)
        assert (verdict.state, verdict.position) == ("kept", POSITION)


def test_an_entry_after_the_promised_time_is_late() -> None:
    assert check(Made(at_us=BOOKED_US + LIVE_US).data(), KEYS, DEADLINE_US).state == "kept"
    assert check(Made(at_us=BOOKED_US + LIVE_US + 1).data(), KEYS, DEADLINE_US).state == "late"


def test_any_key_of_the_log_may_have_signed_what_is_shown() -> None:
    other = SigningKey(ORIGIN, bytes([7]) * 32)
    data = Made(log_key=other).data()
    assert check(data, [LOG.verify_key, other.verify_key], BOOKED_US).state == "kept"
    with pytest.raises(PromiseInvalid, match="signature"):
        check(data, KEYS, BOOKED_US)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (Made(amount=2_499), "posts .*2499"),
        (with_terms(asset="JPY"), "not 2500 JPY"),
        (with_terms(fund="food"), "not 2500 USD/2 food"),
        (with_terms(way="together"), "cannot keep this promise"),
        (Made(values={"nonce": "another-nonce-of-another"}), "promised entry of books"),
        (Made(values={"books_entry": encode_base64(PROMISED.commitment), "nonce": "x"}), "nonce of this giver"),
        (Made(values={"books_entry": encode_base64(PROMISED.commitment)}), "nonce of this giver"),
        (Made(shown=("books_entry",)), "nonce of this giver"),
        (Made(shown=("nonce",)), "promised entry of books"),
        (with_terms(commitment=bytes(32)), "promised entry of books"),
    ],
)
def test_an_entry_of_another_gift_or_giver_keeps_nothing(made: Made, says: str) -> None:
    """A1: one gift is shown to one giver, for its whole amount."""
    with pytest.raises(PromiseInvalid, match=says):
        check(made.data(), KEYS, BOOKED_US)


def spoiled(path: tuple[Any, ...], value: Any) -> bytes:
    document = Made().document()
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return orjson.dumps(document)


SLOT = ("kept", "opening", "slots", 0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff",
        b"{}",
        b"[" * 100_000,
        b"x" * 2_000_000,
        spoiled(("format",), "secondwind-promise-v2"),
        spoiled(("promise",), 5),
        spoiled(("key",), None),
        spoiled(("kept",), None),
        spoiled(("kept", "entry"), "{}"),
        spoiled(("kept", "proof"), ""),
        spoiled(("kept", "opening"), []),
        spoiled(("kept", "opening", "position"), POSITION + 1),
        spoiled(("kept", "opening", "log"), "other.example.org/ledger"),
        spoiled(("kept", "opening", "slots"), {"i": 0}),
        spoiled((*SLOT, "i"), "0"),
        spoiled((*SLOT, "i"), -1),
        spoiled((*SLOT, "i"), 99),
        spoiled((*SLOT, "name"), "giver"),
        spoiled((*SLOT, "value"), "another"),
        spoiled((*SLOT, "value"), 1.5),
        spoiled((*SLOT, "salt"), "AAAA"),
        spoiled((*SLOT, "path"), []),
        spoiled((*SLOT, "path"), ["x"]),
    ],
)
def test_a_file_that_was_changed_is_no_promise(data: bytes) -> None:
    with pytest.raises(PromiseInvalid):
        check(data, KEYS, BOOKED_US)


def test_without_a_key_nothing_holds() -> None:
    with pytest.raises(PromiseInvalid):
        check(Made().data(), [], BOOKED_US)


@given(
    st.binary(max_size=100) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(repr).map(str.encode)
)
def test_no_bytes_raise_anything_but_that(data: bytes) -> None:
    with pytest.raises(PromiseInvalid):
        check(data, KEYS, BOOKED_US)
