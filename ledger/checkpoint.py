"""Checkpoints of c2sp.org/tlog-checkpoint: origin, size and root hash, the text of a signed note. Pure. SPEC.md 11."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ledger import note
from ledger.errors import NoteError
from ledger.grammar import HASH_BYTES, INT_MAX, decode_decimal, decode_digest, encode_base64
from ledger.merkle import EMPTY_ROOT

_LINES = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head. NoteError when made with a size, root or origin that no checkpoint can state."""

    origin: str
    size: int
    root_hash: bytes

    def __post_init__(self) -> None:
        if not self.origin or "\n" in self.origin:
            raise NoteError("a checkpoint's origin is one line that is not empty")
        if not 0 <= self.size <= INT_MAX or len(self.root_hash) != HASH_BYTES:
            raise NoteError(f"size {self.size} or a root hash of {len(self.root_hash)} bytes is out of range")
        if self.size == 0 and self.root_hash != EMPTY_ROOT:
            raise NoteError("the root hash of an empty log is SHA-256 of nothing")

    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root_hash)}\n"


def parse(text: str) -> Checkpoint:
    """Reads the three lines strictly; NoteError for anything else, extension lines included."""
    lines = text.split("\n")
    if len(lines) != _LINES + 1 or lines[_LINES]:
        raise NoteError(f"a checkpoint has {_LINES} lines, each ended by a line feed, not {text[:200]!r}")
    try:
        return Checkpoint(lines[0], decode_decimal(lines[1]), decode_digest(lines[2]))
    except ValueError as error:
        raise NoteError(f"checkpoint of {lines[0][:80]!r}: {error}") from error


def open(checkpoint_note: str | bytes, vkey: str | note.VerifyKey | Iterable[note.VerifyKey]) -> Checkpoint:  # noqa: A001 - as note.open
    """The checkpoint that one of the log's own keys signed; their name is the origin. NoteError or a kind of it if not.

    Every signature by one of these keys must verify; one is enough.
    """
    keys = (
        [note.VerifyKey.parse(vkey)] if isinstance(vkey, str) else [vkey] if isinstance(vkey, note.VerifyKey) else vkey
    )
    opened = note.open(checkpoint_note, keys)
    checkpoint = parse(opened.text)
    if checkpoint.origin not in opened.names:
        raise NoteError(f"the checkpoint is of {checkpoint.origin[:80]!r}, its key is of {opened.names[0][:80]!r}")
    return checkpoint
