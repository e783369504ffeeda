"""Reads an export as EXPORT.md says, rule by rule, with nothing of what made it but the ledger's own arithmetic."""

from __future__ import annotations

import gzip
import io
import tarfile
from dataclasses import dataclass
from hashlib import sha256

import orjson

from ledger import canonical, checkpoint, merkle, note
from ledger.grammar import decode_base64, encode_base64
from ledger.merkle import Frontier
from ledger.postings import balances_digest

Triple = tuple[str, str, str]


@dataclass
class Read:
    """What an export holds, proved."""

    files: dict[str, bytes]
    first: int
    end: int
    before: list[bytes]
    events: list[bytes]
    carried: dict[int, bytes]
    opening: dict[Triple, int]

    def start(self) -> int:
        return self.first - len(self.before)


def unpacked(archive: bytes) -> dict[str, bytes]:
    """The members by name, without the directory they share."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        names = opened.getnames()
        assert len({name.split("/")[0] for name in names}) == 1
        return {name.partition("/")[2]: opened.extractfile(name).read() for name in names}  # type: ignore[union-attr]  # files


def read(archive: bytes, log_key: str) -> Read:
    """Check everything that EXPORT.md asks for; AssertionError or a ledger error where something does not hold."""
    files = unpacked(archive)
    origin, first, end = manifest(files, log_key)
    frontier = Frontier(first, hashes(files["frontier.from"].decode()))
    roots = trees(files, log_key, frontier, end)
    before, events = lines(files["before.ndjson.gz"]), lines(files["events.ndjson.gz"])
    start = orjson.loads(before[0])["position"] if before else first
    growing = Frontier(start, hashes(files["frontier.before"].decode()))
    append(growing, before)
    assert growing.hashes() == frontier.hashes()
    append(growing, events)
    assert (growing.size, growing.root()) == (end, roots[end])
    opening = opening_balances(files["balances.from"], before, start)
    carried = proved(files["carried"], first, roots[first])
    assert all(position < start for position in carried)
    assert all(orjson.loads(entry)["log"] == origin for entry in (*before, *events, *carried.values()))
    return Read(files, first, end, before, events, carried, opening)


def manifest(files: dict[str, bytes], log_key: str) -> tuple[str, int, int]:
    certificate = note.open(files["export-key"], [note.VerifyKey.parse(log_key)]).text.split("\n")
    assert certificate[0] == "secondwind/export-key/v1"
    signed = note.open(files["manifest.note"], [note.VerifyKey.parse(certificate[2])]).text
    form, origin, span, *listed = signed.splitlines()
    assert (form, certificate[1], certificate[2].split("+")[0]) == ("secondwind/export/v1", origin, f"{origin}/export")
    assert listed == [
        f"{encode_base64(sha256(content).digest())} {len(content)} {name}"
        for name, content in files.items()
        if name != "manifest.note" and not name.startswith("private/")
    ]
    first, end = map(int, span.split(" "))
    return origin, first, end


def trees(files: dict[str, bytes], log_key: str, frontier: Frontier, end: int) -> dict[int, bytes]:
    """The roots of `from` and `to`, under signed checkpoints."""
    first = frontier.size
    parts: list[tuple[int, int, list[bytes]]] = []
    for line in files["consistency"].decode().splitlines():
        if " " in line:
            old, new = map(int, line.split(" "))
            parts.append((old, new, []))
        else:
            parts[-1][2].append(decode_base64(line))
    to = checkpoint.open(files["checkpoint.to"], log_key)
    covering = checkpoint.open(files["checkpoint.from"], log_key) if first else None
    size, root = (covering.size, covering.root_hash) if covering else (0, merkle.EMPTY_ROOT)
    assert [part[:2] for part in parts] == [(first, size), (end, to.size), (first, end)]
    merkle.verify_consistency(first, size, frontier.root(), root, parts[0][2])
    whole = Frontier(first, frontier.hashes())
    append(whole, lines(files["events.ndjson.gz"]))
    merkle.verify_consistency(end, to.size, whole.root(), to.root_hash, parts[1][2])
    merkle.verify_consistency(first, end, frontier.root(), whole.root(), parts[2][2])
    return {first: frontier.root(), end: whole.root()}


def opening_balances(balances: bytes, before: list[bytes], start: int) -> dict[Triple, int]:
    """A13."""
    entries = [orjson.loads(entry) for entry in before]
    closes = [entry for entry in entries if entry["type"] == "ledger.period.closed.v1"]
    month = ""
    if closes:
        month = closes[-1]["period"]
        assert encode_base64(balances_digest(balances)) == closes[-1]["data"]["balances"]
        assert start == 0 or entries[0]["at"][:7] <= month
    else:
        assert (balances, start) == (b"", 0)
    sums: dict[Triple, int] = {}
    for line in balances.splitlines():
        account, asset, fund, amount = orjson.loads(line)
        sums[account, asset, fund] = int(amount)
    for entry in entries:
        add(sums, entry) if entry["period"] > month else None
    return {triple: amount for triple, amount in sums.items() if amount}


def proved(carried: bytes, first: int, root: bytes) -> dict[int, bytes]:
    rows = carried.split(b"\n")[:-1]
    found: dict[int, bytes] = {}
    for number, path, entry in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        position = int(number)
        assert position > max(found, default=-1)
        merkle.verify_inclusion(
            canonical.leaf_hash(entry), position, first, [decode_base64(h) for h in path.decode().split()], root
        )
        found[position] = entry
    return found


def add(sums: dict[Triple, int], entry: dict[str, object]) -> None:
    for p in entry["postings"]:  # type: ignore[attr-defined]  # a list of objects
        triple = (p["account"], p["asset"], p["fund"])
        sums[triple] = sums.get(triple, 0) + int(p["amount"])


def lines(zipped: bytes) -> list[bytes]:
    plain = gzip.decompress(zipped)
    assert not plain or plain.endswith(b"\n")
    return plain.split(b"\n")[:-1]


def hashes(text: str) -> list[bytes]:
    return [decode_base64(line) for line in text.splitlines()]


def append(frontier: Frontier, entries: list[bytes]) -> None:
    for entry in entries:
        frontier.append(canonical.leaf_hash(entry))
