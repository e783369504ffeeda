"""Bare subscribers of the bench: frames are cut where they end, however the bytes arrive."""

from __future__ import annotations

import pytest

from tests.bench.listeners import TEXT, find_position, frames, masked

SHORT = b"\x81\x03abc"
LONG = b"\x81\x7e\x01\x00" + b"x" * 256
LONGEST = b"\x82\x7f" + (65_536).to_bytes(8, "big") + b"y" * 65_536


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_frames_are_whole_however_they_arrive(size: int) -> None:
    sent, data, found = SHORT + LONG + LONGEST + SHORT, bytearray(), []
    for start in range(0, len(sent), size):
        data += sent[start : start + size]
        found += frames(data)
    assert found == [(1, b"abc"), (1, b"x" * 256), (2, b"y" * 65_536), (1, b"abc")]
    assert not data


def test_what_a_client_sends_is_masked() -> None:
    assert masked(TEXT, b"hi") == b"\x81\x82\0\0\0\0hi"


def test_an_entry_is_known_by_its_beginning_and_nothing_else_is() -> None:
    match = find_position(b'{"t":"ev","s":"ledger","p":287,"after":286,"d":"..."}')
    assert match is not None
    assert int(match[1]) == 287
    assert find_position(b'{"t":"hw","s":{"ledger":290}}') is None
