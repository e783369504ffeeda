"""Promises: what a giver holds, and what nobody can make of it (attacks A1, A2)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import promise
from ledger.errors import NoteError
from ledger.note import SignatureInvalid, SignatureMissing, SigningKey
from ledger.promise import Promise

ORIGIN = "ledger.example.org/ledger"
LOG, THIEF = SigningKey(ORIGIN, bytes([1]) * 32), SigningKey(ORIGIN, bytes([2]) * 32)
KEY = SigningKey(promise.key_name(ORIGIN), bytes([3]) * 32)
PROMISED = Promise(
    ORIGIN, "alone", bytes(32), promise.giver_hash("n-1"), "2500", "USD/2", "rent", 1_788_264_600_000_000
)
SIGNED = KEY.sign(PROMISED.text())
VOUCHED = promise.vouch(KEY.verify_key, LOG)


def test_the_bytes_of_a_promise_are_these() -> None:
    assert PROMISED.text() == (
        "secondwind/promise/v1\nledger.example.org/ledger\nalone\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
        "joiuaI/25/5m9jaTCndp9wSvhYrgiCCNmSrmY4KjAlA=\n2500 USD/2 rent\n2026-09-01T12:10:00.000000Z\n"
    )


@given(st.sampled_from(("alone", "together")), st.binary(min_size=32, max_size=32), st.text(), st.integers(0, 2**50))
def test_what_is_promised_reads_back(way: promise.Way, commitment: bytes, nonce: str, not_later_us: int) -> None:
    try:
        giver = promise.giver_hash(nonce)
    except UnicodeEncodeError:
        return
    made = replace(PROMISED, way=way, commitment=commitment, giver=giver, not_later_us=not_later_us)
    assert promise.parse(made.text()) == made
    assert promise.open(KEY.sign(made.text()), VOUCHED, [LOG.verify_key]) == made


def test_a_promise_holds_only_with_the_log_s_word_for_the_key() -> None:
    thief = SigningKey(KEY.name, bytes([9]) * 32)
    for signed, vouched, raised in (
        (thief.sign(PROMISED.text()), VOUCHED, SignatureMissing),
        (SIGNED, promise.vouch(KEY.verify_key, THIEF), SignatureMissing),
        (SIGNED.replace("2500", "25"), VOUCHED, SignatureInvalid),
        (SIGNED, VOUCHED.replace("promise-key/v1", "export-key/v1"), SignatureInvalid),
        (LOG.sign(PROMISED.text()), VOUCHED, SignatureMissing),
    ):
        with pytest.raises(raised):
            promise.open(signed, vouched, [LOG.verify_key])


@pytest.mark.parametrize(
    ("signed", "vouched"),
    [
        (KEY.sign(replace(PROMISED, log="other.example.org/ledger").text()), VOUCHED),
        (SIGNED, promise.vouch(SigningKey(f"{ORIGIN}/export", bytes([3]) * 32).verify_key, LOG)),
        (SIGNED, LOG.sign("secondwind/promise-key/v1\nx\n")),
        (SIGNED, LOG.sign(PROMISED.text())),
        (KEY.sign("secondwind/promise/v1\n"), VOUCHED),
    ],
    ids=["of another log", "a key for something else", "two lines", "a promise for a key", "one line"],
)
def test_a_note_that_says_something_else_is_no_promise(signed: str, vouched: str) -> None:
    with pytest.raises(NoteError):
        promise.open(signed, vouched, [LOG.verify_key])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("alone", "never"),
        ("2500", "025"),
        ("2500", "+2500"),
        ("2500 USD/2", "2500  USD/2"),
        ("USD/2", "usd"),
        ("rent", "Rent"),
        (" rent", ""),
        ("12:10:00.000000Z", "12:10:00Z"),
        ("v1\n", "v2\n"),
        ("AAAA=", "AAAB="),
        ("\n2026", "\n\n2026"),
        ("Z\n", "Z\nmore\n"),
        ("Z\n", "Z"),
    ],
)
def test_other_spellings_are_refused(old: str, new: str) -> None:
    with pytest.raises(NoteError):
        promise.parse(PROMISED.text().replace(old, new, 1))


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_raises_anything_but_a_note_error(signed: str, vouched: str) -> None:
    for one, other in ((signed, vouched), (signed, VOUCHED), (SIGNED, vouched)):
        with pytest.raises(NoteError):
            promise.open(one, other, [LOG.verify_key])
    with pytest.raises(NoteError):
        promise.parse(signed)
