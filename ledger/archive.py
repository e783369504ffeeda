"""The bytes of an export's containers: ustar headers and gzip with stored blocks. Pure. EXPORT.md 2 and 5.

Both are written by hand because they must be the same for ever: `tarfile` may change a default, and what a compressor
makes depends on its version. Reading takes archives of exactly this kind, and any gzip. Nothing here looks at a clock.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from os import SEEK_END
from typing import BinaryIO, NamedTuple

from ledger.errors import MalformedError

BLOCK_BYTES = 512
NAME_BYTES_MAX = 100
OCTAL_SIZE_MAX = 8**11 - 1
GZIP_WBITS = 16 + zlib.MAX_WBITS
STORED_BYTES_MAX = 65_535
END = bytes(2 * BLOCK_BYTES)
"""Two blocks of zeros: nothing follows."""

_GZIP_HEADER = bytes.fromhex("1f8b08000000000000ff")


def header(name: str, size: int) -> bytes:
    """The 512 bytes before a regular file of `size` bytes. MalformedError for a name of more than 100 ASCII bytes."""
    if not name.isascii() or not 0 < len(name) <= NAME_BYTES_MAX or size < 0:
        raise MalformedError(f"{name[:120]!r} of {size} bytes is no member: a name has 1 to {NAME_BYTES_MAX} of ASCII")
    # From 8 GiB on in base 256, as GNU tar does: eleven octal digits hold no more.
    length = b"%011o\0" % size if size <= OCTAL_SIZE_MAX else b"\x80" + size.to_bytes(11, "big")
    fields = (
        name.encode().ljust(NAME_BYTES_MAX, b"\0"),
        b"0000644\0" + b"0000000\0" * 2,
        length,
        b"%011o\0" % 0,
        b" " * 8,
        b"0" + bytes(100),
        b"ustar\x0000" + bytes(64) + b"0000000\0" * 2,
    )
    block = b"".join(fields).ljust(BLOCK_BYTES, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


class Found(NamedTuple):
    """A member of an archive: its name, where its content begins, and how long it is."""

    name: str
    offset: int
    size: int


def parse_header(block: bytes) -> tuple[str, int]:
    """The name and size in a header that `header` made. MalformedError for any other 512 bytes."""
    field = block[124:136]
    try:
        name = block[:NAME_BYTES_MAX].rstrip(b"\0").decode("ascii")
        size = int.from_bytes(field[1:], "big") if field[:1] == b"\x80" else int(field[:11], 8)
    except ValueError:
        raise MalformedError("a header of the archive holds no name or no size") from None
    if header(name, size) != block:
        raise MalformedError(f"the header of {name!r} is not as exports write it")
    return name, size


def members(file: BinaryIO) -> Iterator[Found]:
    """The members of an archive that can be sought in, up to its end. MalformedError where it is not of our kind."""
    whole, offset = file.seek(0, SEEK_END), 0
    while (block := _read_at(file, offset, BLOCK_BYTES)) != END[:BLOCK_BYTES]:
        name, size = parse_header(block)
        found = Found(name, offset + BLOCK_BYTES, size)
        after = found.offset + size
        offset = after + -size % BLOCK_BYTES
        # The end mark follows at the earliest.
        if offset + len(END) > whole or any(_read_at(file, after, offset - after)):
            raise MalformedError(f"{name} is cut, or something stands behind it")
        yield found
    if whole != offset + len(END) or any(_read_at(file, offset, len(END))):
        raise MalformedError("an archive ends with two blocks of zeros, and nothing follows")


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)


def padding(size: int) -> bytes:
    """The zeros behind a file of `size` bytes, up to the next block."""
    return bytes(-size % BLOCK_BYTES)


class StoredGzip:
    """One gzip member, growing: feed it bytes, write what it gives back, and end it with `finish`."""

    def __init__(self) -> None:
        self._begun = False
        self._held = bytearray()
        self._crc = 0
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        """Takes more content; returns what can be written by now, possibly nothing."""
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        self._held += data
        out = bytearray(self._begin())
        # A block goes out once something stands behind it: only the last one is marked final.
        start = 0
        while len(self._held) - start > STORED_BYTES_MAX:
            out += _stored(self._held[start : start + STORED_BYTES_MAX], final=False)
            start += STORED_BYTES_MAX
        del self._held[:start]
        return bytes(out)

    def finish(self) -> bytes:
        """The last block and the trailer; nothing may be fed afterwards."""
        trailer = self._crc.to_bytes(4, "little") + (self._size % 2**32).to_bytes(4, "little")
        return self._begin() + _stored(self._held, final=True) + trailer

    def _begin(self) -> bytes:
        begun, self._begun = self._begun, True
        return b"" if begun else _GZIP_HEADER


def _stored(content: bytes | bytearray, *, final: bool) -> bytes:
    size = len(content)
    return bytes([final]) + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + content


def unzipped_lines(pieces: Iterable[bytes], line_bytes_max: int) -> Iterator[bytes]:
    """The lines, without their line feeds, of what any gzip made of them; `pieces` of it as they come.

    No more than a piece and a line is held, whatever the compressor claims. MalformedError for what is no gzip of lines
    of at most `line_bytes_max`, and for anything behind it.
    """
    opener, held = zlib.decompressobj(wbits=GZIP_WBITS), b""
    for piece in pieces:
        waiting = piece
        while waiting:
            if opener.eof:
                raise MalformedError("something follows the compressed lines")
            try:
                held += opener.decompress(waiting, STORED_BYTES_MAX)
            except zlib.error as error:
                raise MalformedError(f"this is no gzip: {error}") from None
            waiting = opener.unconsumed_tail or opener.unused_data
            *lines, held = held.split(b"\n")
            yield from lines
            if len(held) > line_bytes_max:
                raise MalformedError(f"a line is longer than {line_bytes_max} bytes")
    if not opener.eof or held:
        raise MalformedError("the compressed lines are cut")
