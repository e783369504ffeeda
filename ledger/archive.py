"""The bytes of an export's containers: ustar headers and gzip with stored blocks. Pure. EXPORT.md 2 and 5.

Both are written by hand because they must be the same for ever: `tarfile` may change a default, and what a compressor
makes depends on its version. Nothing here looks at a clock.
"""

from __future__ import annotations

import zlib

from ledger.errors import MalformedError

BLOCK_BYTES = 512
NAME_BYTES_MAX = 100
OCTAL_SIZE_MAX = 8**11 - 1
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


def size_of(block: bytes) -> int:
    """The size of the file behind a header that `header` made. Its sum is not looked at."""
    field = block[124:136]
    return int.from_bytes(field[1:], "big") if field[:1] == b"\x80" else int(field.rstrip(b"\0"), 8)


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
