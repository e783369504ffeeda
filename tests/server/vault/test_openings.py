"""An opening shows the slots it names, proves them, and says nothing of the others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from ledger.slots import verify_opening
from server.domains.giving.events import BOOKS_TYPES
from server.vault import Epochs, FileKeyStore, FileSubjectKeys, KeyDestroyed, Subject, Vault, vault_at
from server.vault.openings import NoSuchSlot, document, openings

ORIGIN = "example.org/books"
SPEC = BOOKS_TYPES[0]
VALUES = {"giver": {"name": "Ada"}, "note": "for the roof", "request": {"event": "evt_1"}}


def test_an_opening_proves_its_slot_and_holds_no_other(tmp_path: Path) -> None:
    vault = vault_at(tmp_path)
    sealed = vault.seal_slots(ORIGIN, SPEC, VALUES)
    (shown,) = openings(vault, ORIGIN, SPEC, sealed, ["giver"])
    verify_opening(shown, len(SPEC.slots), sealed.root)
    data = document(ORIGIN, 7, [shown])
    assert b"Ada" in data
    assert b"roof" not in data
    assert b"evt_1" not in data
    assert orjson.loads(data)["slots"][0]["i"] == [slot.name for slot in SPEC.slots].index("giver")


def test_an_unused_slot_is_shown_as_unused(tmp_path: Path) -> None:
    vault = vault_at(tmp_path)
    sealed = vault.seal_slots(ORIGIN, SPEC, VALUES)
    (shown,) = openings(vault, ORIGIN, SPEC, sealed, ["contact"])
    assert shown.value is None
    verify_opening(shown, len(SPEC.slots), sealed.root)


def test_a_slot_that_no_type_has_is_named_with_those_it_has(tmp_path: Path) -> None:
    vault = vault_at(tmp_path)
    sealed = vault.seal_slots(ORIGIN, SPEC, VALUES)
    with pytest.raises(NoSuchSlot, match="no slot 'phone'; it has nonce, owners, giver"):
        openings(vault, ORIGIN, SPEC, sealed, ["giver", "phone"])


async def test_what_is_erased_opens_no_more_and_what_is_held_does(tmp_path: Path) -> None:
    safe = FileKeyStore(tmp_path / "safe")
    epochs = Epochs(safe, now=lambda: datetime(2026, 9, 1, tzinfo=UTC))
    keys = FileSubjectKeys(tmp_path / "subjects.db", epochs)
    vault = Vault(FileKeyStore(tmp_path / "keys"), subjects=keys, safe=safe)
    ada = await vault.hold(Subject(b"a" * 32))
    sealed = vault.seal_slots(ORIGIN, SPEC, VALUES, ada)
    assert ada is not None
    assert ada.identity is not None
    keys.destroy([ada.identity.id])
    with pytest.raises(KeyDestroyed):
        openings(vault, ORIGIN, SPEC, sealed, ["request", "giver"])
    (held,) = openings(vault, ORIGIN, SPEC, sealed, ["request"])
    verify_opening(held, len(SPEC.slots), sealed.root)
