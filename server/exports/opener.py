"""Opening what an export holds for an auditor, far from the service: nothing is asked of anybody.

An export comes from outside: whatever its bytes are, the answer is its openings or a MalformedError. Each opening is
held against the entry beside it; that the entries are those of the log is for verify.py to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from ledger import archive, canonical
from ledger.archive import Found
from ledger.canonical import ENTRY_BYTES_MAX
from ledger.errors import MalformedError
from ledger.export import FORMAT, MANIFEST
from ledger.grammar import decode_decimal
from ledger.opening import judge_opening, read_opening
from ledger.types import Entry
from server.exports.sealing import bound_to, private_name, public_key, unseal

MEMBER_BYTES_MAX = 16 * 1024 * 1024
MEMBERS_MAX = 64
OPENING_BYTES_MAX = 1024 * 1024
PIECE_BYTES = 64 * 1024


def openings(file: BinaryIO, secret: bytes) -> Iterator[bytes]:
    """The openings in an export that are sealed to the key of `secret`, each a line of JSON, judged.

    MalformedError where there are none, where it is no export, and where an opening does not fit its entry.
    """
    held = _members(file)
    origin, first, end = _head(_Part(file, _member(held, MANIFEST)).whole())
    sealed = _Part(file, _member(held, private_name(public_key(secret))))
    entries = _entries(_Part(file, _member(held, "events.ndjson.gz")))
    entry = None
    for line in _lines(unseal(sealed.read, secret, bound_to(origin, first, end))):
        document = read_opening(line)
        while entry is None or entry.position < document["position"]:
            entry = next(entries, None)
            if entry is None:
                raise MalformedError(f"entry {document['position']} is opened, but the export does not hold it")
        judge_opening(document, entry)
        yield line + b"\n"


class _Part:
    """A member, read like a file of its own; several of one file may be read by turns."""

    def __init__(self, file: BinaryIO, found: Found) -> None:
        self._file = file
        self._found = found
        self._at = 0

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`; fewer only at the end."""
        self._file.seek(self._found.offset + self._at)
        content = self._file.read(min(size, self._found.size - self._at))
        self._at += len(content)
        return content

    def pieces(self) -> Iterator[bytes]:
        """All of it, piece by piece."""
        while piece := self.read(PIECE_BYTES):
            yield piece

    def whole(self) -> bytes:
        """All of it, if it is small."""
        if self._found.size > MEMBER_BYTES_MAX:
            raise MalformedError(f"{self._found.name} has {self._found.size} bytes, at most {MEMBER_BYTES_MAX}")
        return self.read(self._found.size)


def _members(file: BinaryIO) -> Mapping[str, Found]:
    held: dict[str, Found] = {}
    for found in archive.members(file):
        name = found.name.partition("/")[2]
        if name in held or len(held) >= MEMBERS_MAX:
            raise MalformedError(f"{name} stands twice, or there are more than {MEMBERS_MAX} members")
        held[name] = found
    return held


def _member(held: Mapping[str, Found], name: str) -> Found:
    if name not in held:
        raise MalformedError(f"there is no {name} in this file")
    return held[name]


def _head(manifest: bytes) -> tuple[str, int, int]:
    try:
        form, origin, span, _ = manifest.decode().split("\n", 3)
        first, end = map(decode_decimal, span.split(" "))
    except ValueError:
        raise MalformedError("the manifest does not begin as one") from None
    if form != FORMAT:
        raise MalformedError(f"this is an export of another kind than {FORMAT}")
    return origin, first, end


def _entries(part: _Part) -> Iterator[Entry]:
    return map(canonical.parse_entry, archive.unzipped_lines(part.pieces(), ENTRY_BYTES_MAX))


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for piece in pieces:
        *lines, held = (held + piece).split(b"\n")
        yield from lines
        if len(held) > OPENING_BYTES_MAX:
            raise MalformedError(f"an opening is longer than {OPENING_BYTES_MAX} bytes")
    if held:
        raise MalformedError("the last opening is cut")
