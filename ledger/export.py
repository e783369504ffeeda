"""What the files of a range export say: names, manifest, proofs, balances, carried entries. Pure. EXPORT.md.

The bytes of each depend on the log and the range only: two people who export the same months hold the same file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.errors import MalformedError
from ledger.grammar import INT_MAX, encode_base64
from ledger.types import LogName

MANIFEST = "manifest.note"
FORMAT = "secondwind/export/v1"
KEY_FORMAT = "secondwind/export-key/v1"
MEMBERS = (
    "export-key",
    "checkpoint.from",
    "checkpoint.to",
    "consistency",
    "frontier.from",
    "frontier.before",
    "balances.from",
    "before.ndjson.gz",
    "carried",
    "events.ndjson.gz",
    "keys",
    "policy",
    "VERIFY.md",
    "verify.py",
    "derived/README.md",
    "derived/balances.csv",
    "derived/journal.csv",
    "derived/ledger.beancount",
    "derived/ledger.journal",
)
"""Every member under the manifest, in the order of the archive."""

NOT_CARRIED = ("ledger.anchor.recorded.v1", "ledger.books.attested.v1", "ledger.period.closed.v1")
"""The ledger's own types by which no later entry is judged, or that stand in `before` (EXPORT.md 6.5)."""

DERIVED_README = """# Not authoritative

These files are made from the entries in `events.ndjson.gz`, for spreadsheets and accounting programs. They prove
nothing: the entries do, and `VERIFY.md` says how. Balances at the start of the range come from `balances.from` and
`before.ndjson.gz`.

Debits are positive. Each fund has an account of its own under every account, because money of one fund is not money of
another. A transaction whose moment lies outside the month it belongs to is dated to the nearest day of that month.
"""


@dataclass(frozen=True, slots=True)
class Range:
    """Entries `first` to `end - 1` of a log. MalformedError for a range that holds none."""

    log: LogName
    origin: str
    first: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.end <= INT_MAX:
            raise MalformedError(f"from {self.first} to {self.end} is no range of entries: 0 <= from < to")

    @property
    def directory(self) -> str:
        """What all names in the archive begin with."""
        return f"export-{self.first}-{self.end}/"


class Member(NamedTuple):
    """A file of an export as the manifest names it."""

    name: str
    size: int
    sha256: bytes


def manifest_text(chosen: Range, members: Iterable[Member]) -> str:
    """The text that the export key signs (EXPORT.md 3.1)."""
    lines = [f"{encode_base64(member.sha256)} {member.size} {member.name}\n" for member in members]
    return f"{FORMAT}\n{chosen.origin}\n{chosen.first} {chosen.end}\n{''.join(lines)}"


def export_key_name(origin: str) -> str:
    """The name of the key that signs manifests of a log's exports."""
    return f"{origin}/export"


def export_key_text(origin: str, vkey: str) -> str:
    """The text by which a log's key vouches for an export key (EXPORT.md 3.2)."""
    return f"{KEY_FORMAT}\n{origin}\n{vkey}\n"


def hash_lines(hashes: Iterable[bytes]) -> str:
    """One hash per line, base64."""
    return "".join(f"{encode_base64(h)}\n" for h in hashes)


def consistency_text(parts: Iterable[tuple[int, int, Sequence[bytes]]]) -> str:
    """`(old size, new size, path)` of each part, in order (EXPORT.md 4.3)."""
    return "".join(f"{old} {new}\n{hash_lines(path)}" for old, new, path in parts)


def carried_lines(position: int, path: Sequence[bytes], entry: bytes) -> bytes:
    """One carried entry: its position, its inclusion proof, its bytes (EXPORT.md 6.5)."""
    hashes = " ".join(encode_base64(h) for h in path)
    return f"{position}\n{hashes}\n".encode() + entry + b"\n"
