"""A log whose keys change, and heads over it: who may sign which size (SPEC.md 11.3 and 12.7; attacks A4)."""

from __future__ import annotations

from typing import Any

from ledger import merkle, note
from ledger.canonical import leaf_hash
from ledger.checkpoint import Checkpoint
from ledger.registry import Registry
from tests.vectors import logs
from tests.vectors.logs import LogMaker

ORIGIN = "rotated.example.org/ledger"
FIRST, SECOND, THIRD = (note.SigningKey(ORIGIN, bytes([seed]) * 32) for seed in (21, 22, 23))
STRANGER = note.SigningKey(ORIGIN, bytes([24]) * 32)
FROM_SECOND, LAST_OF_FIRST, FROM_THIRD = 12, 16, 20


def rotated_log() -> LogMaker:
    """The second key signs from 12 entries on, the first up to 16; a third follows from 20 on."""
    log = LogMaker("rotated", "public", ORIGIN, 21, Registry())
    log.open("2026-09-01T12:00:00.000000Z", {"assets:cash": ["USD/2"], "income:gifts": ["USD/2"]}, ["general"])
    at = "2026-09-02T12:00:00.000000Z"
    log.add(at, "ledger.key.introduced.v1", log.key_change("introduced", SECOND.vkey, FROM_SECOND))
    _fill(log, 10)
    log.add(at, "ledger.key.retired.v1", log.key_change("retired", FIRST.vkey, LAST_OF_FIRST))
    _fill(log, 15)
    log.add(at, "ledger.key.introduced.v1", log.key_change("introduced", THIRD.vkey, FROM_THIRD))
    log.add(at, "ledger.key.retired.v1", log.key_change("retired", SECOND.vkey, FROM_THIRD + 1))
    _fill(log, 24)
    return log


def vectors() -> dict[str, Any]:
    """The log, the keys to pin, and heads: `code` is null where the head is good."""
    log = rotated_log()
    hashes = [leaf_hash(entry) for entry in log.entries]

    def head(name: str, size: int, *keys: note.SigningKey, code: str | None = None, spoil: bool = False) -> Any:
        text = Checkpoint(ORIGIN, size, merkle.root(hashes[:size])).text()
        signed = keys[0].sign(text) + "".join(key.sign(text).rpartition("\n\n")[2] for key in keys[1:])
        return {"name": name, "size": size, "note": _spoilt(signed) if spoil else signed, "code": code}

    missing = "signature-missing"
    return {
        "origin": ORIGIN,
        "key": FIRST.vkey,
        "recovery_key": logs.RECOVERY.vkey,
        "newest_key": THIRD.vkey,
        "entries": [entry.decode() for entry in log.entries],
        "heads": [
            head("the first key alone", 5, FIRST),
            head("a key that is not introduced yet", 5, SECOND, code=missing),
            head("a key that is introduced, for a later size", FROM_SECOND - 1, SECOND, code=missing),
            head("the old key while the new one is introduced", FROM_SECOND - 1, FIRST),
            head("the new key at its first size", FROM_SECOND, SECOND),
            head("the old key beside it", FROM_SECOND, FIRST),
            head("both", FROM_SECOND, FIRST, SECOND),
            head("the old key at its last size", LAST_OF_FIRST, FIRST),
            head("the old key after that", LAST_OF_FIRST + 1, FIRST, code=missing),
            head("the old key and the new one after that", LAST_OF_FIRST + 1, FIRST, SECOND),
            head("the key of a stranger under the log's name", LAST_OF_FIRST + 1, STRANGER, code=missing),
            head("the recovery key, which signs no heads", LAST_OF_FIRST + 1, logs.RECOVERY, code=missing),
            head(
                "a spoiled signature by a key in force", LAST_OF_FIRST + 1, SECOND, code="signature-invalid", spoil=True
            ),
            head("the second key beyond its last size", FROM_THIRD + 2, SECOND, code=missing),
            head("the third key", 24, THIRD),
        ],
    }


def _fill(log: LogMaker, size: int) -> None:
    """Entries that say little, until the log has so many."""
    while log.checker.size < size:
        data = {"text": f"Nothing happened, {log.checker.size} times."}
        log.add("2026-09-02T12:00:00.000000Z", "ledger.incident.declared.v1", data)


def _spoilt(signed: str) -> str:
    """With another letter in the middle of the signature."""
    return f"{signed[:-40]}{'B' if signed[-40] == 'A' else 'A'}{signed[-39:]}"
