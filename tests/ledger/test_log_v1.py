"""The frozen log: whatever this project becomes, it verifies these bytes as they are (SPEC.md, "For ever")."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from ledger import canonical, checkpoint, merkle, proof, slots, tiles
from ledger.slots import Opening
from ledger.types import LogName
from ledger.verify import EntryChecker

ROOT = Path(__file__).resolve().parents[2]
FROZEN = ROOT / "tests" / "vectors" / "log-v1"
SUMS = "9adceaaf727e7e48b3c33716a756b82f93beae1a81349d48d279249186917246"
LOGS: dict[str, LogName] = {"public": "public", "books": "books", "audit": "audit", "features": "public"}
OF_THEIR_DAY = {
    "public": "2026-01-26T17:10Z",
    "audit": "2026-01-05T12:20Z",
    "books": "2026-02-03",
    "features": "2026-02-03",
}
"""When the newest anchor was fresh; the other two logs have none."""
each_log = pytest.mark.parametrize("name", LOGS)


def key_of(name: str) -> str:
    return (FROZEN / name / "keys").read_text().strip()


def entries_of(name: str) -> list[bytes]:
    size = checkpoint.open((FROZEN / name / "checkpoint").read_text(), key_of(name)).size
    entries: list[bytes] = []
    for n in range((size + 255) // 256):
        path = tiles.entries_path(n, min(256, size - 256 * n))
        entries += tiles.decode_bundle((FROZEN / name / path).read_bytes())
    return entries


def test_no_byte_was_changed_added_or_taken_away() -> None:
    text = (FROZEN / "SHA256SUMS").read_bytes()
    assert sha256(text).hexdigest() == SUMS
    sums = dict(line.split("  ")[::-1] for line in text.decode().splitlines())
    assert sums == {
        path.relative_to(FROZEN).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in FROZEN.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS"
    }


@each_log
def test_every_entry_keeps_every_rule_and_every_head_is_of_these_entries(name: str) -> None:
    entries = entries_of(name)
    heads = {}
    for path in (FROZEN / name).glob("checkpoint*"):
        head = checkpoint.open(path.read_text(), key_of(name))
        heads[head.size] = head.root_hash
    origin = key_of(name).partition("+")[0]
    checker = EntryChecker(origin, LOGS[name])
    for position, data in enumerate(entries):
        checker.check(position, data)
        if checker.size in heads:
            assert checker.frontier.root() == heads.pop(checker.size)
    assert heads == {}
    assert (checker.overdue(), checker.unknown_types) == (None, 0)


@each_log
def test_verify_py_agrees(name: str, tmp_path: Path) -> None:
    pin = tmp_path / "seen"
    pin.write_text((FROZEN / name / "checkpoint.1").read_text())
    arguments = [
        str(FROZEN / name),
        "--key",
        key_of(name),
        "--trusted",
        str(pin),
        "--as-of",
        OF_THEIR_DAY[name],
        "--json",
    ]
    verify = ROOT / "clients" / "verifier" / "verify.py"
    command = [sys.executable, "-I", str(verify), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    # Nobody will ever know the types of features.
    assert (done.returncode, json.loads(done.stdout)["size"]) == (2 if name == "features" else 0, len(entries_of(name)))


@each_log
def test_tiles_are_those_of_the_entries(name: str) -> None:
    hashes = [canonical.leaf_hash(entry) for entry in entries_of(name)]
    for path in (FROZEN / name / "tile").rglob("*"):
        place = path.relative_to(FROZEN / name).as_posix()
        if path.is_file() and "entries" not in place:
            parsed = tiles.parse_path(place)
            assert parsed.level is not None
            width = 256**parsed.level
            first = parsed.n * 256
            nodes = [merkle.root(hashes[i * width : (i + 1) * width]) for i in range(first, first + parsed.width)]
            assert path.read_bytes() == b"".join(nodes)


def test_receipts_prove_their_gifts() -> None:
    entries = entries_of("public")
    for name in ("gift.tlog-proof", "newest-gift.tlog-proof"):
        text = (FROZEN / name).read_text()
        index = proof.parse_tlog_proof(text).index
        assert b"giving.gift.received" in entries[index]
        assert proof.verify_tlog_proof(text, entries[index], key_of("public")).size == len(entries)


def test_the_opening_shows_what_the_gift_committed_to() -> None:
    document = json.loads((FROZEN / "gift.opening").read_text())
    entry = json.loads(entries_of("public")[document["position"]])
    root = base64.b64decode(entry["private"]["root"])
    for slot in document["slots"]:
        path = tuple(base64.b64decode(node) for node in slot["path"])
        shown = Opening(entry["type"], slot["i"], slot["name"], slot["value"], base64.b64decode(slot["salt"]), path)
        slots.verify_opening(shown, 8, root)
    assert {slot["name"]: slot["value"] for slot in document["slots"]} == {"nonce": "n-0000", "giver": "Ada"}
