"""Signed notes; the shared vectors hold most cases, here stand the rules that need a secret or a generator."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import note
from ledger.errors import NoteError
from ledger.grammar import decode_base64, encode_base64

KEY = note.SigningKey("ledger.example.org/main", bytes(range(32)))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32) | st.just("\n"), max_size=60)
# The eight points of small order in their canonical encodings, and encodings of the field's prime and beyond.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
]
NOT_CANONICAL = [
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


def test_the_example_of_c2sp_opens() -> None:
    key = note.VerifyKey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    line = (
        "example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    )
    text = "This is an example message.\n"
    assert note.open(f"{text}\n\u2014 {line}\n", [key]) == (text, ("example.com/foo",))


@given(TEXTS)
def test_what_is_signed_opens_to_the_same_text(text: str) -> None:
    assert note.open(KEY.sign(text + "\n"), [KEY.verify_key]) == (text + "\n", (KEY.name,))


@given(TEXTS, st.integers(0, 63), st.integers(1, 255))
def test_a_changed_signature_condemns_the_note(text: str, at: int, mask: int) -> None:
    head, _, line = KEY.sign(text + "\n").rpartition(" ")
    blob = bytearray(decode_base64(line.strip()))
    blob[4 + at] ^= mask
    with pytest.raises(note.SignatureInvalid, match="does not verify"):
        note.open(f"{head} {encode_base64(bytes(blob))}\n", [KEY.verify_key])


@given(st.text(max_size=80) | st.binary(max_size=80))
def test_nothing_raises_anything_but_a_note_error(data: str | bytes) -> None:
    with pytest.raises(NoteError):
        note.open(data, [KEY.verify_key])
    if isinstance(data, str):
        with pytest.raises(NoteError):
            note.VerifyKey.parse(data)


@pytest.mark.parametrize("point", SMALL_ORDER + NOT_CANONICAL)
def test_a_key_of_small_order_or_not_canonical_verifies_nothing(point: str) -> None:
    key = note.VerifyKey("weak.example.org", bytes.fromhex(point))
    for r in SMALL_ORDER:
        assert not key.verifies("any text\n", bytes.fromhex(r) + bytes(32))


@pytest.mark.parametrize("point", SMALL_ORDER + NOT_CANONICAL)
def test_a_signature_whose_r_is_of_small_order_or_not_canonical_is_none(point: str) -> None:
    assert not KEY.verify_key.verifies("any text\n", bytes.fromhex(point) + bytes(32))


@pytest.mark.parametrize("text", ["", "no line feed", "a\x00\n", "a\r\n", "a\tb\n", "\x1f\n"])
def test_text_that_no_note_may_hold_is_not_signed(text: str) -> None:
    with pytest.raises(NoteError):
        KEY.sign(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\u2003", "\x1f"])
def test_a_key_has_a_name_without_spaces_and_plus(name: str) -> None:
    with pytest.raises(NoteError, match="key name"):
        note.SigningKey(name, bytes(32))


def test_a_seed_has_32_bytes() -> None:
    with pytest.raises(NoteError, match="31 bytes, not 32"):
        note.SigningKey("a", bytes(31))


def test_a_signing_key_does_not_show_its_secret() -> None:
    assert bytes(range(32)).hex() not in repr(KEY)
    assert not hasattr(KEY, "__dict__")


def test_a_second_signature_is_a_line_of_its_own() -> None:
    other = note.SigningKey("witness.example.org", bytes(32))
    signed = KEY.sign("text\n")
    both = signed + other.line("text\n")
    assert note.open(both, [KEY.verify_key, other.verify_key]).names == (KEY.name, other.name)


def test_an_ed25519_key_does_not_take_a_cosignature_for_its_own() -> None:
    cosigner = note.VerifyKey(KEY.name, KEY.verify_key.key, note.COSIGNATURE)
    assert cosigner.key_id != KEY.verify_key.key_id
    with pytest.raises(note.SignatureMissing, match=cosigner.key_id.hex()):
        note.open(KEY.sign("text\n"), [cosigner])
