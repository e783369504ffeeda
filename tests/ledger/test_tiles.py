"""Paths, widths and bundles of tlog-tiles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import tiles
from ledger.errors import MalformedError

NUMBERS = st.integers(0, 2**53 - 1)
WIDTHS = st.integers(1, 256)


@pytest.mark.parametrize(
    ("n", "text"), [(0, "000"), (5, "005"), (67, "067"), (999, "999"), (1067, "x001/067"), (1234067, "x001/x234/067")]
)
def test_numbers_are_written_in_groups_of_three(n: int, text: str) -> None:
    assert tiles.path(0, n) == f"tile/0/{text}"
    assert tiles.entries_path(n, 7) == f"tile/entries/{text}.p/7"


@given(st.integers(0, 63), NUMBERS, WIDTHS)
def test_a_tile_path_reads_back(level: int, n: int, width: int) -> None:
    assert tiles.parse_path(tiles.path(level, n, width)) == (level, n, width)


@given(NUMBERS, WIDTHS)
def test_a_bundle_path_reads_back(n: int, width: int) -> None:
    assert tiles.parse_path(tiles.entries_path(n, width)) == (None, n, width)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/000",
        "tile/0/001/067",
        "tile/0/x001/x067",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/05",
        "tile/0/000.p/",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/data/000",
        "tile/8/0/000",
        "tile/0/../000",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/x009/x007/x199/x254/x740/992",
        "tile/0/x" + "999/x" * 200 + "999",
    ],
)
def test_what_no_path_is_written_as_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        tiles.parse_path(text)


@given(st.text(max_size=40))
def test_no_text_raises_anything_but_a_malformed_error(text: str) -> None:
    with pytest.raises(MalformedError):
        tiles.parse_path("tile/" + text + "!")


@pytest.mark.parametrize(
    ("level", "n", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257), (0, 2**53, 1)]
)
def test_a_tile_that_cannot_be_has_no_path(level: int, n: int, width: int) -> None:
    with pytest.raises(MalformedError):
        tiles.path(level, n, width)


def test_the_tiles_of_seventy_thousand_entries() -> None:
    assert [tiles.width(0, n, 70_000) for n in (0, 272, 273, 274)] == [256, 256, 112, 0]
    assert [tiles.width(1, n, 70_000) for n in (0, 1, 2)] == [256, 17, 0]
    assert [tiles.width(2, n, 70_000) for n in (0, 1)] == [1, 0]
    assert tiles.width(3, 0, 70_000) == 0
    assert (tiles.width(0, 0, 256), tiles.width(1, 0, 256), tiles.width(1, 0, 255)) == (256, 1, 0)


@given(st.lists(st.binary(max_size=20), max_size=256))
def test_a_bundle_reads_back(entries: list[bytes]) -> None:
    assert tiles.decode_bundle(tiles.encode_bundle(entries)) == entries


def test_a_bundle_holds_entries_of_every_length_that_two_bytes_can_say() -> None:
    entries = [b"", b"x" * 65_535]
    assert tiles.decode_bundle(tiles.encode_bundle(entries)) == entries
    with pytest.raises(MalformedError, match="65536 bytes"):
        tiles.encode_bundle([b"x" * 65_536])


def test_a_bundle_is_never_wider_than_a_tile() -> None:
    assert len(tiles.decode_bundle(bytes(2 * 256))) == 256
    with pytest.raises(MalformedError, match="more than 256"):
        tiles.decode_bundle(bytes(2 * 257))
    with pytest.raises(MalformedError, match="257 entries"):
        tiles.encode_bundle([b""] * 257)


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x01", b"\x00\x01aa", b"\x00\x00\x00", b"\xff\xff" + b"x" * 65_534])
def test_a_bundle_that_is_cut_off_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError, match="cut off"):
        tiles.decode_bundle(data)
