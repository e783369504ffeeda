"""A cursor comes back as the position it was made from, and nothing else is one."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.http.cursors import CURSOR_CHARS, CursorRefused, decode, encode


@given(st.integers(0, 2**63 - 1))
def test_every_position_comes_back(position: int) -> None:
    cursor = encode("ledger", position)
    assert decode("ledger", cursor) == position
    assert len(cursor) <= CURSOR_CHARS


@given(st.text(max_size=40))
def test_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(CursorRefused):
        decode("ledger", text)


@given(st.integers(0, 2**63 - 1), st.integers(0, 16), st.integers(1, 255))
def test_a_cursor_with_one_byte_changed_is_refused(position: int, index: int, flip: int) -> None:
    data = bytearray(base64.urlsafe_b64decode(encode("ledger", position) + "=="))
    data[index % len(data)] ^= flip
    with pytest.raises(CursorRefused):
        decode("ledger", base64.urlsafe_b64encode(data).rstrip(b"=").decode())


@pytest.mark.parametrize("spoil", ["{}=", "{}==", " {}", "{}\n", "{}A", "", "{}{}"])
def test_a_cursor_is_written_in_one_way_only(spoil: str) -> None:
    cursor = encode("ledger", 7)
    with pytest.raises(CursorRefused):
        decode("ledger", spoil.format(cursor, cursor))


def test_another_lists_cursor_is_refused() -> None:
    with pytest.raises(CursorRefused, match="not a cursor of ledger"):
        decode("ledger", encode("gifts", 7))
