"""Exports of a log that stands in memory, made after EXPORT.md and independent of the code that makes real ones."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from ledger import merkle, proof
from ledger.canonical import leaf_hash
from ledger.checkpoint import Checkpoint
from ledger.grammar import encode_base64
from ledger.note import SigningKey
from tests.vectors.logs import LogMaker

DERIVED = ("README.md", "balances.csv", "journal.csv", "ledger.beancount", "ledger.journal")
NOT_CARRIED = {"ledger.anchor.recorded.v1", "ledger.books.attested.v1", "ledger.period.closed.v1"}


@dataclass
class Maker:
    """Makes an export of [first, end) with checkpoints of `before` and `to` entries; the change hooks spoil it."""

    log: LogMaker
    first: int
    end: int
    to: int
    before: int = 0
    start: int = 0
    close: int | None = None
    export_key: SigningKey = field(init=False)
    entries: list[bytes] = field(init=False)
    log_key: SigningKey = field(init=False)

    def __post_init__(self) -> None:
        self.log_key = self.log.key
        self.export_key = SigningKey(f"{self.log.key.name}/export", b"e" * 32)
        self.entries = list(self.log.entries)

    def hashes(self) -> list[bytes]:
        return [leaf_hash(entry) for entry in self.entries]

    def frontier(self, size: int) -> str:
        frontier = merkle.Frontier()
        for leaf in self.hashes()[:size]:
            frontier.append(leaf)
        return lines(frontier.hashes())

    def consistency(self) -> str:
        parts = ((self.first, self.before), (self.end, self.to), (self.first, self.end))
        return "".join(f"{old} {new}\n{lines(self._proof(old, new))}" for old, new in parts)

    def _proof(self, old: int, new: int) -> Sequence[bytes]:
        hashes = self.hashes()[:new]
        if old == 0:
            return []
        return proof.consistency(
            lambda nodes: [merkle.root(hashes[i << level : (i + 1) << level]) for level, i in nodes], old, new
        )

    def checkpoint(self, size: int) -> str:
        return self.log_key.sign(Checkpoint(self.log.key.name, size, merkle.root(self.hashes()[:size])).text())

    def balances(self) -> str:
        """At the close, over what it closed."""
        if self.close is None:
            return ""
        month = json.loads(self.entries[self.close])["period"]
        sums: dict[tuple[str, str, str], int] = {}
        for data in self.entries[: self.close]:
            entry = json.loads(data)
            for line in entry["postings"] if entry["period"] <= month else ():
                triple = (line["account"], line["asset"], line["fund"])
                sums[triple] = sums.get(triple, 0) + int(line["amount"])
        told = (json.dumps([*key, str(sums[key])], separators=(",", ":")) + "\n" for key in sorted(sums) if sums[key])
        return "".join(told)

    def carried(self) -> str:
        referred: set[int] = set()
        for data in self.entries[self.start : self.end]:
            entry = json.loads(data)
            referred |= set(entry["refers_to"]) if entry.get("phase") in {"posted", "voided", "expired"} else set()
        made = ""
        hashes = self.hashes()[: self.first]
        for position, data in enumerate(self.entries[: self.start]):
            name = json.loads(data)["type"]
            if (name.startswith("ledger.") and name not in NOT_CARRIED) or position in referred:
                path = proof.inclusion(
                    lambda nodes: [merkle.root(hashes[i << level : (i + 1) << level]) for level, i in nodes],
                    position,
                    self.first,
                )
                made += f"{position}\n{' '.join(map(encode_base64, path))}\n{data.decode()}\n"
        return made

    def files(self) -> dict[str, bytes]:
        """Every member but the manifest."""
        text = f"secondwind/export-key/v1\n{self.log.key.name}\n{self.export_key.vkey}\n"
        made = {"export-key": self.log_key.sign(text)}
        if self.first:
            made["checkpoint.from"] = self.checkpoint(self.before)
        made |= {
            "checkpoint.to": self.checkpoint(self.to),
            "consistency": self.consistency(),
            "frontier.from": self.frontier(self.first),
            "frontier.before": self.frontier(self.start),
            "balances.from": self.balances(),
        }
        files = {name: text.encode() for name, text in made.items()}
        files["before.ndjson.gz"] = gzip(self.entries[self.start : self.first])
        files["carried"] = self.carried().encode()
        files["events.ndjson.gz"] = gzip(self.entries[self.first : self.end])
        files |= {
            "keys": f"{self.log.key.vkey} 0 -\n".encode(),
            "policy": b"{}",
            "VERIFY.md": b"v\n",
            "verify.py": b"p\n",
        }
        return files | {f"derived/{name}": b"d\n" for name in DERIVED}

    def manifest(self, files: Mapping[str, bytes]) -> bytes:
        text = f"secondwind/export/v1\n{self.log.key.name}\n{self.first} {self.end}\n"
        for name, data in files.items():
            if not name.startswith("private/"):
                text += f"{encode_base64(sha256(data).digest())} {len(data)} {name}\n"
        return self.export_key.sign(text).encode()

    def write(
        self,
        out: Path,
        files: Callable[[dict[str, bytes]], object] = lambda _: None,
        sealed: Callable[[dict[str, bytes]], object] = lambda _: None,
    ) -> Path:
        """Write the tar. `files` spoils members before the manifest lists them, `sealed` afterwards."""
        members = self.files()
        files(members)
        members = {"manifest.note": self.manifest(members), **members}
        sealed(members)
        out.write_bytes(tar({f"export-{self.first}-{self.end}/{name}": data for name, data in members.items()}))
        return out


def unpack(archive: Path, directory: Path) -> Path:
    """As tar -x does."""
    import tarfile

    with tarfile.open(archive) as opened:
        opened.extractall(directory, filter="data")
    return directory


def lines(hashes: Sequence[bytes]) -> str:
    return "".join(f"{encode_base64(node)}\n" for node in hashes)


def gzip(entries: Sequence[bytes]) -> bytes:
    """One member of stored blocks, as EXPORT.md 5.2 asks for."""
    data = b"".join(entry + b"\n" for entry in entries)
    blocks = b""
    for at in range(0, len(data) // 65_535 * 65_535, 65_535):
        blocks += b"\x00" + struct.pack("<HH", 65_535, 0) + data[at : at + 65_535]
    rest = data[len(data) // 65_535 * 65_535 :]
    blocks += b"\x01" + struct.pack("<HH", len(rest), len(rest) ^ 0xFFFF) + rest
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + blocks + struct.pack("<II", zlib.crc32(data), len(data) % 2**32)


def tar(members: Mapping[str, bytes]) -> bytes:
    """POSIX ustar with nothing of this machine in it."""
    made = b""
    for name, data in members.items():
        head = bytearray(512)
        for at, value in (
            (0, name.encode()),
            (100, b"0000644\0"),
            (108, b"0000000\0"),
            (116, b"0000000\0"),
            (124, b"%011o\0" % len(data)),
            (136, b"%011o\0" % 0),
            (148, b" " * 8),
            (156, b"0"),
            (257, b"ustar\x0000"),
            (329, b"0000000\0"),
            (337, b"0000000\0"),
        ):
            head[at : at + len(value)] = value
        head[148:156] = b"%06o\0 " % sum(head)
        made += bytes(head) + data + bytes(-len(data) % 512)
    return made + bytes(1024)
