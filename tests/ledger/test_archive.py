"""The containers of an export: every tool reads them, and every machine writes them alike."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import archive
from ledger.errors import MalformedError


def packed(members: list[tuple[str, bytes]]) -> bytes:
    parts = [archive.header(name, len(body)) + body + archive.padding(len(body)) for name, body in members]
    return b"".join(parts) + archive.END


def zipped(*pieces: bytes) -> bytes:
    stored = archive.StoredGzip()
    return b"".join(stored.feed(piece) for piece in pieces) + stored.finish()


@given(st.lists(st.binary(max_size=2_000), max_size=5))
def test_pythons_own_reader_finds_every_member_with_nothing_about_who_and_when(bodies: list[bytes]) -> None:
    """B2."""
    members = [(f"export-0-9/{n}", body) for n, body in enumerate(bodies)]
    with tarfile.open(fileobj=io.BytesIO(packed(members))) as opened:
        found = opened.getmembers()
        assert [(m.name, opened.extractfile(m).read()) for m in found] == members  # type: ignore[union-attr]  # files
    assert all((m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) == (0, 0, 0, "", "", 0o644) for m in found)


def test_a_header_is_these_bytes_for_ever() -> None:
    block = archive.header("export-1-2/keys", 1_000)
    assert block[:16] == b"export-1-2/keys\0"
    assert block[124:136] == b"00000001750\0"
    assert block[148:156] == b"011724\0 "
    assert block[257:265] == b"ustar\x0000"


@pytest.mark.parametrize("size", [8**11 - 1, 8**11, 10**12])
def test_sizes_beyond_eight_gibibytes_are_read_back(size: int) -> None:
    assert tarfile.TarInfo.frombuf(archive.header("a", size), "utf-8", "strict").size == size
    assert archive.parse_header(archive.header("export-0-9/x", size)) == ("export-0-9/x", size)


@pytest.mark.parametrize("name", ["", "x" * 101, "é"])
def test_a_name_that_ustar_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(MalformedError, match="is no member"):
        archive.header(name, 1)


@given(st.lists(st.binary(max_size=100_000), max_size=4))
def test_any_gzip_reads_it_and_how_it_was_fed_does_not_show(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    assert zipped(*pieces) == zipped(whole)
    assert gzip.decompress(zipped(*pieces)) == whole


@pytest.mark.parametrize("size", [0, 1, 65_534, 65_535, 65_536, 131_070, 131_071])
def test_only_the_last_block_is_final(size: int) -> None:
    made = zipped(bytes(size))
    assert gzip.decompress(made) == bytes(size)
    assert len(made) == 10 + size + 5 * max(1, -(-size // 65_535)) + 8


def test_a_stored_gzip_is_these_bytes_for_ever() -> None:
    assert zipped(b"abc\n").hex() == "1f8b08000000000000ff" + "010400fbff" + "6162630a" + "4e81884704000000"


@given(st.lists(st.binary(max_size=2_000), max_size=5))
def test_our_reader_finds_what_was_written_and_nothing_else(bodies: list[bytes]) -> None:
    whole = packed([(f"export-0-9/{n}", body) for n, body in enumerate(bodies)])
    found = list(archive.members(io.BytesIO(whole)))
    assert [whole[one.offset : one.offset + one.size] for one in found] == bodies
    assert [one.name for one in found] == [f"export-0-9/{n}" for n in range(len(bodies))]


WHOLE = packed([("export-0-9/one", b"x" * 700), ("export-0-9/two", b"")])


@given(st.data())
def test_a_spoiled_archive_is_refused_or_names_the_same_members(data: st.DataObject) -> None:
    """A15: no byte outside of the contents can be changed, none can be added, none left out."""
    spoiled = bytearray(WHOLE)
    match data.draw(st.sampled_from(["change", "cut", "add", "insert"])):
        case "change":
            spoiled[data.draw(st.integers(0, len(WHOLE) - 1))] = data.draw(st.integers(0, 255))
        case "cut":
            del spoiled[data.draw(st.integers(0, len(WHOLE) - 1)) :]
        case "add":
            spoiled += data.draw(st.binary(min_size=1, max_size=2_000))
        case _:
            at = data.draw(st.integers(0, len(WHOLE)))
            spoiled[at:at] = data.draw(st.binary(min_size=1, max_size=600))
    try:
        found = list(archive.members(io.BytesIO(spoiled)))
    except MalformedError:
        return
    assert found == list(archive.members(io.BytesIO(WHOLE)))
    assert len(spoiled) == len(WHOLE)


@given(st.binary(max_size=3_000))
def test_bytes_that_are_no_archive_are_an_answer(noise: bytes) -> None:
    with pytest.raises(MalformedError):
        list(archive.members(io.BytesIO(noise)))


def pieces(content: bytes, size: int) -> list[bytes]:
    return [content[n : n + size] for n in range(0, len(content), size)]


@given(st.lists(st.binary(max_size=300).filter(lambda line: b"\n" not in line), max_size=30), st.integers(1, 500))
def test_lines_come_back_from_our_gzip_and_from_any_other(lines: list[bytes], size: int) -> None:
    plain = b"".join(line + b"\n" for line in lines)
    for made in (zipped(plain), gzip.compress(plain)):
        assert list(archive.unzipped_lines(pieces(made, size), 300)) == lines


@given(st.binary(max_size=200), st.integers(1, 40), st.integers(0, 60), st.binary(max_size=4))
def test_a_spoiled_gzip_is_refused_or_says_the_same(noise: bytes, size: int, at: int, put: bytes) -> None:
    lines = [b"one", b"two", b"three"]
    made = zipped(b"one\ntwo\nthree\n")
    for spoiled in (noise, made[:at] + put + made[at + len(put) :], made[:at], made + put):
        try:
            found = list(archive.unzipped_lines(pieces(spoiled, size), 100))
        except MalformedError:
            continue
        assert found == lines


def test_a_bomb_and_a_line_without_end_are_refused_before_they_fill_the_memory() -> None:
    """A15."""
    bomb = gzip.compress(bytes(20_000_000), 9)
    tracemalloc.start()
    with pytest.raises(MalformedError, match="longer than 16384"):
        list(archive.unzipped_lines(pieces(bomb, 65_536), 16_384))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
