"""The alphabet of names, numbers and base64: one spelling each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import grammar


@given(st.binary(max_size=100))
def test_base64_has_one_spelling(data: bytes) -> None:
    text = grammar.encode_base64(data)
    assert grammar.decode_base64(text) == data
    for spoiled in (text + "=", text + "\n", " " + text, text.rstrip("=") if text.endswith("=") else text + "A"):
        with pytest.raises(ValueError, match="base64"):
            grammar.decode_base64(spoiled)


@pytest.mark.parametrize("text", ["QR==", "QUJ=", "Q", "Q===", "-_-_", "QQ", "Q\u00e9==", "QUJD\u00e9"])
def test_stray_bits_and_letters_are_not_ignored(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        grammar.decode_base64(text)


@given(st.binary(min_size=32, max_size=32))
def test_a_digest_reads_back(data: bytes) -> None:
    assert grammar.decode_digest(grammar.encode_base64(data)) == data


@given(st.binary(max_size=64).filter(lambda data: len(data) != 32))
def test_a_digest_has_32_bytes(data: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        grammar.decode_digest(grammar.encode_base64(data))


@given(st.integers(0, 2**53 - 1))
def test_a_decimal_reads_back(number: int) -> None:
    assert grammar.decode_decimal(str(number)) == number


@pytest.mark.parametrize(
    "text", ["", "+5", " 5", "5 ", "1_0", "05", "-0", "-5", "5.0", "\u0665", str(2**53), "9" * 5000, "5\n"]
)
def test_what_int_would_take_is_no_decimal(text: str) -> None:
    with pytest.raises(ValueError, match="decimal"):
        grammar.decode_decimal(text)


@pytest.mark.parametrize(
    "matches",
    [
        grammar.matches_key,
        grammar.matches_origin,
        grammar.matches_type,
        grammar.matches_month,
        grammar.matches_account,
        grammar.matches_asset,
        grammar.matches_fund,
        grammar.matches_amount,
        grammar.matches_slug,
        grammar.matches_digest,
        grammar.matches_nonce,
    ],
)
def test_no_name_ends_in_a_line_feed(matches: object) -> None:
    good = (
        "a",
        "a.b.c.v1",
        "2026-09",
        "assets:cash",
        "USD/2",
        "5",
        grammar.encode_base64(bytes(32)),
        grammar.encode_base64(bytes(16)),
    )
    found = [text for text in good if callable(matches) and matches(text)]
    assert found
    assert not any(callable(matches) and matches(text + "\n") for text in found)


@pytest.mark.parametrize(
    "character",
    ["\x00", "\x08", "\x0b", "\x1f", "\x7f", "\x85", "\u200f", "\u2028", "\u202e", "\u2067", "\ufeff", "\ud800"],
)
def test_characters_that_hide_or_turn_text_are_controls(character: str) -> None:
    assert grammar.finds_control(f"a{character}b")


@pytest.mark.parametrize("text", ["", "line\nline", "\u00e9\U0001f3e0", "\u4f60\u597d", "~"])
def test_other_text_is_not(text: str) -> None:
    assert not grammar.finds_control(text)
