"""Keys of a log, and who may change them; the refusals are in the shared vectors, over whole logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger import keys, note
from ledger.errors import NoteError
from ledger.grammar import encode_base64
from ledger.keys import Keyring
from ledger.note import SigningKey
from ledger.types import Entry
from ledger.verify import EntryChecker

ORIGIN = "ledger.example.org/ledger"
RECOVERY = SigningKey("recovery.example.org", b"r" * 32)
FIRST, SECOND = SigningKey(ORIGIN, b"1" * 32), SigningKey(ORIGIN, b"2" * 32)


def changed(ring: Keyring, type_name: str, key: SigningKey, size: int) -> Keyring:
    change = "introduced" if type_name == keys.INTRODUCED else "retired"
    signature = RECOVERY.signature(keys.statement(ORIGIN, change, key.vkey, size))  # type: ignore[arg-type]  # one of two
    data = {"key": key.vkey, "signature": encode_base64(signature), "size": size}
    return ring.changed(Entry(ORIGIN, 5, bytes(32), 0, "2026-09", type_name, data, ()))


def test_a_key_gives_way_to_another_with_an_overlap_and_keeps_what_it_signed() -> None:
    ring = Keyring().opened(FIRST.verify_key, RECOVERY.verify_key)
    ring = changed(ring, keys.INTRODUCED, SECOND, 10)
    ring = changed(ring, keys.RETIRED, FIRST, 20)
    assert [ring.may_sign(FIRST.vkey, size) for size in (0, 9, 20, 21)] == [True, True, True, False]
    assert [ring.may_sign(SECOND.vkey, size) for size in (0, 9, 10, 1000)] == [False, False, True, True]
    assert not ring.may_sign(RECOVERY.vkey, 5)
    assert Keyring.from_snapshot(json.loads(json.dumps(ring.snapshot()))) == ring


def test_a_log_that_is_not_open_yet_has_no_keys() -> None:
    assert not Keyring().may_sign(FIRST.vkey, 0)
    assert Keyring.from_snapshot(json.loads(json.dumps(Keyring().snapshot()))) == Keyring(None, {})


ROTATION = json.loads((Path(__file__).resolve().parents[1] / "vectors" / "rotation.json").read_text())


@pytest.mark.parametrize("case", ROTATION["heads"], ids=lambda case: case["name"])
def test_a_head_takes_a_signature_by_a_key_that_the_entries_below_it_put_in_force(case: dict[str, Any]) -> None:
    """A4: whoever stole a retired key, or made up a new one, signs nothing that is believed."""
    checker = EntryChecker(ROTATION["origin"], "public")
    for position, entry in enumerate(ROTATION["entries"][: case["size"]]):
        checker.check(position, entry.encode())
    allowed = checker.declared.keys.signers(case["size"])
    if case["code"] is None:
        assert note.open(case["note"], allowed).names
    else:
        with pytest.raises(NoteError) as caught:
            note.open(case["note"], allowed)
        assert getattr(caught.value, "code", None) == case["code"]
