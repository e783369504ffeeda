"""The tamper table: what can be done to the frozen public log, and what each reader says to it.

Two kinds of hands: a server that has no key and changes what it serves, and the key's owner, who writes another history
and signs it. A row holds the files that differ from log-v1/public. Expectations are (code, position) per reader:
`verify` for verify.py, `browser` for clients/proof, `fsck` for the database with the same entries in it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from ledger import canonical, merkle, note, tiles
from ledger.checkpoint import Checkpoint
from ledger.grammar import encode_base64

FROZEN = Path(__file__).parent / "log-v1" / "public"
KEY = note.SigningKey("frozen.example.org/ledger", bytes([11]) * 32)
SECOND = note.SigningKey(KEY.name, b"2" * 32)
AT = 270
"""The entry that is touched: a gift in the last bundle, with others after it."""
CLOSE = 282
"""The entry that closes January, on a trial balance."""
Told = tuple[str, int] | None
"""(code, position), or None for a reader that has to leave this to another."""


def entries() -> list[bytes]:
    """The frozen log's entries."""
    bundles = sorted(path for path in (FROZEN / "tile/entries").rglob("*") if path.is_file())
    return [entry for bundle in bundles for entry in tiles.decode_bundle(bundle.read_bytes())]


ENTRIES = entries()
SIZE = len(ENTRIES)


def served(changed: Sequence[bytes]) -> dict[str, bytes]:
    """What a server without the key serves: other entries, the tiles that go with them, the old head."""
    tile = b"".join(map(canonical.leaf_hash, changed[256:]))
    return {tiles.entries_path(1, SIZE - 256): bundle(changed[256:]), tiles.path(0, 1, SIZE - 256): tile}


def signed(changed: Sequence[bytes], size: int | None = None) -> dict[str, bytes]:
    """What the key's owner publishes: another history, whole and signed."""
    count = len(changed) if size is None else size
    hashes = [canonical.leaf_hash(entry) for entry in changed[:count]]
    head = Checkpoint(KEY.name, count, merkle.root(hashes))
    return {
        "checkpoint": KEY.sign(head.text()).encode(),
        tiles.entries_path(1, count - 256): bundle(changed[256:count]),
        tiles.path(0, 1, count - 256): b"".join(hashes[256:]),
    }


def bundle(part: Sequence[bytes]) -> bytes:
    """An entry bundle of whatever these bytes are; the length of an entry has two bytes."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in part)


def rechained(position: int, change: Callable[[dict[str, Any]], None] | bytes) -> list[bytes]:
    """The log with one entry changed, and every later one naming the hash of the one before it."""
    made = ENTRIES[:position]
    for data in ENTRIES[position:]:
        members = orjson.loads(data)
        if members["position"] == position:
            if isinstance(change, bytes):
                made.append(change)
                continue
            change(members)
        members["prev"] = encode_base64(canonical.leaf_hash(made[-1]))
        made.append(orjson.dumps(members, option=orjson.OPT_SORT_KEYS))
    return made


def doubled(entry: dict[str, Any]) -> None:
    """Twice the gift, in balance."""
    for posting in entry["postings"]:
        posting["amount"] = str(2 * int(posting["amount"]))


def member(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Set one member."""

    def change(entry: dict[str, Any]) -> None:
        entry[name] = value

    return change


def account(entry: dict[str, Any]) -> None:
    """Money to an account that nobody declared, sorted as it must be."""
    entry["postings"][0]["account"] = "assets:cash2"


def short(entry: dict[str, Any]) -> None:
    """A cent missing."""
    entry["postings"][0]["amount"] = str(int(entry["postings"][0]["amount"]) - 1)


def in_place(data: bytes) -> dict[str, bytes]:
    """Bytes that are no entry, hashed and signed like one."""
    return signed(rechained(AT, data))


def rows() -> list[dict[str, Any]]:
    """The table."""
    good = orjson.loads(ENTRIES[AT])
    deep = b'{"at":' + b"[" * 8_000 + b"]" * 8_000 + b"}"
    large = ENTRIES[AT][:-1] + b',"w":"' + b"x" * (65_535 - len(ENTRIES[AT]) - 8) + b'"}'
    nan = ENTRIES[AT].replace(b'"v":1', b'"v":NaN')
    spaced = orjson.dumps(good, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)
    swapped = [*ENTRIES[:AT], ENTRIES[AT + 1], ENTRIES[AT], *ENTRIES[AT + 2 :]]
    missing = [*ENTRIES[:AT], *ENTRIES[AT + 1 :]]
    last = SIZE - 1
    newest = rechained(last, doubled)
    tile = (FROZEN / tiles.path(0, 1, SIZE - 256)).read_bytes()
    forged = Checkpoint(KEY.name, SIZE, merkle.root([canonical.leaf_hash(entry) for entry in newest]))
    honest = (FROZEN / "checkpoint").read_text()
    unsigned = forged.text() + honest[honest.index("\n\n") + 1 :]
    return [
        _row(
            "a byte of a hash changed",
            served([*ENTRIES[:AT], _flipped(ENTRIES[AT]), *ENTRIES[AT + 1 :]]),
            ("prev-mismatch", AT),
        ),
        _row(
            "an amount changed, in balance",
            served([*ENTRIES[:AT], rechained(AT, doubled)[AT], *ENTRIES[AT + 1 :]]),
            ("prev-mismatch", AT + 1),
        ),
        _row(
            "the newest amount changed, in balance",
            served(newest),
            ("root-mismatch", SIZE),
            fsck=("batch-unsigned", last),
        ),
        _row(
            "a cent taken from one line",
            served([*ENTRIES[:AT], rechained(AT, short)[AT], *ENTRIES[AT + 1 :]]),
            ("sum-not-zero", AT),
        ),
        _row("two entries swapped", served(swapped), ("position-mismatch", AT)),
        _row("an entry missing", served(missing), ("truncated", last), fsck=("position-mismatch", AT)),
        _row("an entry missing, the rest signed", signed(missing), ("position-mismatch", AT)),
        _row("the last three entries missing", served(ENTRIES[:-3]), ("truncated", SIZE - 3)),
        _row(
            "a tile that is of other entries",
            {tiles.path(0, 1, SIZE - 256): tile[32:] + tile[:32]},
            ("tile-mismatch", 256),
            browser=("root-mismatch", None),
            fsck=None,
        ),
        _row(
            "a head for other entries without a new signature",
            {"checkpoint": unsigned.encode()},
            ("signature-invalid", None),
            fsck=None,
        ),
        _row(
            "a second signer under the same name",
            {"checkpoint": SECOND.sign(forged.text()).encode()},
            ("signature-missing", None),
            fsck=None,
        ),
        _row("cut short and signed", signed(ENTRIES, SIZE - 6), ("rollback", SIZE - 6), trusted=True, fsck=None),
        _row("cut short and grown again", signed(newest), ("fork", SIZE), trusted=True, fsck=None),
        _row("rewritten from before a close on", signed(rechained(AT, doubled)), ("data-invalid", CLOSE), browser=None),
        _row(
            "the wrong month", signed(rechained(AT, member("period", "2026-02"))), ("period-invalid", AT), browser=None
        ),
        _row(
            "a month that was closed",
            signed(rechained(last, member("period", "2026-01"))),
            ("period-closed", last),
            browser=None,
        ),
        _row(
            "an account that nobody declared", signed(rechained(AT, account)), ("account-undeclared", AT), browser=None
        ),
        _row("a type that nobody declared", signed(rechained(AT, member("type", "giving.gift.promised.v1"))), None),
        _row("bytes that are not canonical", in_place(spaced), ("entry-not-canonical", AT)),
        _row("a number that is none", in_place(nan), ("entry-malformed", AT)),
        _row("lists in lists", in_place(deep), ("entry-malformed", AT)),
        _row("an entry of 65,535 bytes", in_place(large), ("entry-too-large", AT)),
    ]


def _flipped(entry: bytes) -> bytes:
    at = entry.index(b'"prev":"') + 8
    return entry[:at] + (b"A" if entry[at : at + 1] != b"A" else b"B") + entry[at + 1 :]


_SAME: Any = object()


def _row(
    name: str, files: dict[str, bytes], verify: Any, *, browser: Any = _SAME, fsck: Any = _SAME, trusted: bool = False
) -> dict[str, Any]:
    return {
        "name": name,
        "files": {path: base64.b64encode(data).decode() for path, data in files.items()},
        "trusted": trusted,
        "verify": verify,
        "browser": verify if browser is _SAME else browser,
        "fsck": verify if fsck is _SAME else fsck,
    }
