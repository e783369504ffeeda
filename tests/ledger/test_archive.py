"""The containers of an export: every tool reads them, and every machine writes them alike."""

from __future__ import annotations

import gzip
import io
import tarfile

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
    assert archive.size_of(archive.header("export-0-9/x", size)) == size


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
