"""Sealing: what goes in comes out, only here, only for the entry it was sealed for, and not after its key is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger.errors import EntryError
from ledger.registry import TypeSpec
from ledger.slots import SlotSpec
from server.vault import (
    Epochs,
    FileKeyStore,
    FileSubjectKeys,
    KeyDestroyed,
    KeyMissing,
    Subject,
    Tampered,
    Vault,
    vault_at,
)

ORIGIN = "example.org/books"
SPEC = TypeSpec(
    name="giving.gift.received.v1",
    data={},
    postings="some",
    slots=tuple(
        SlotSpec(name, group)
        for name, group in [
            ("nonce", "identity"),
            ("owners", "audit"),
            ("giver", "identity"),
            ("contact", "identity"),
            ("objects", "audit"),
            ("method", "identity"),
            ("note", "identity"),
            ("request", "audit"),
        ]
    ),
    refers="none",
)


def test_what_is_sealed_opens_again(tmp_path: Path) -> None:
    vault = vault_at(tmp_path)
    key_id, sealed = vault.seal("inbox", b"a provider's body")
    assert b"provider" not in sealed
    assert vault_at(tmp_path).open(key_id, sealed) == b"a provider's body"


def test_changed_bytes_do_not_open(tmp_path: Path) -> None:
    vault = vault_at(tmp_path)
    key_id, sealed = vault.seal("fees", b"value")
    for index in (0, 30, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[index] ^= 1
        with pytest.raises(Tampered):
            vault.open(key_id, bytes(changed))


def test_inbox_bodies_are_sealed_under_the_days_key_which_dies_after_35_days(tmp_path: Path) -> None:
    today = datetime(2026, 9, 1, tzinfo=UTC)
    store = FileKeyStore(tmp_path)
    key_id, sealed = Vault(store, now=lambda: today).seal("inbox", b"body")
    assert key_id == "inbox-2026-09-01"
    assert Vault(store, now=lambda: today + timedelta(days=34)).destroy_old_day_keys() == []
    later = Vault(store, now=lambda: today + timedelta(days=35))
    assert later.destroy_old_day_keys() == ["inbox-2026-09-01"]
    with pytest.raises(KeyDestroyed, match="erased"):
        later.open(key_id, sealed)


def test_the_service_key_never_dies_of_age(tmp_path: Path) -> None:
    vault = Vault(FileKeyStore(tmp_path), now=lambda: datetime(2099, 1, 1, tzinfo=UTC))
    assert vault.destroy_old_day_keys() == []
    assert FileKeyStore(tmp_path).load("service") is not None


def test_keyed_hashes_are_stable_here_and_different_elsewhere(tmp_path: Path) -> None:
    vault = vault_at(tmp_path / "one")
    value = vault.keyed_hash("stream", "pi_1")
    assert len(value) == 32
    assert vault_at(tmp_path / "one").keyed_hash("stream", b"pi_1") == value
    assert vault.keyed_hash("claim", "pi_1") != value
    assert vault_at(tmp_path / "two").keyed_hash("stream", "pi_1") != value


def test_slots_open_to_the_values_they_were_sealed_with(tmp_path: Path) -> None:
    vault = vault_at(tmp_path)
    sealed = vault.seal_slots(ORIGIN, SPEC, {"giver": "Ada", "owners": [[0, "ab", 5]]})
    assert [box.group for box in sealed.boxes] == ["identity", "audit"]
    assert len(sealed.slot_hashes) == 8 * 32
    opened = vault.open_slots(ORIGIN, SPEC, sealed, sealed.root)
    assert opened["giver"] == "Ada"
    assert opened["owners"] == [[0, "ab", 5]]
    assert opened["note"] is None
    assert b"Ada" not in b"".join(box.ciphertext for box in sealed.boxes)


def test_two_entries_with_the_same_values_have_nothing_in_common(tmp_path: Path) -> None:
    vault = vault_at(tmp_path)
    one, two = (vault.seal_slots(ORIGIN, SPEC, {"giver": "Ada"}) for _ in range(2))
    assert one.root != two.root
    hashes = [{s.slot_hashes[i : i + 32] for i in range(0, 256, 32)} for s in (one, two)]
    assert not hashes[0] & hashes[1]


def test_boxes_moved_to_another_log_or_entry_do_not_open(tmp_path: Path) -> None:
    vault = vault_at(tmp_path)
    one = vault.seal_slots(ORIGIN, SPEC, {"giver": "Ada"})
    two = vault.seal_slots(ORIGIN, SPEC, {"giver": "Eve"})
    with pytest.raises(Tampered):
        vault.open_slots("example.org/public", SPEC, one, one.root)
    with pytest.raises(Tampered):
        vault.open_slots(ORIGIN, SPEC, replace(one, boxes=two.boxes), one.root)


def test_slot_hashes_that_do_not_fit_the_values_are_noticed(tmp_path: Path) -> None:
    vault = vault_at(tmp_path)
    sealed = vault.seal_slots(ORIGIN, SPEC, {"giver": "Ada"})
    with pytest.raises(Tampered):
        vault.open_slots(ORIGIN, SPEC, replace(sealed, slot_hashes=bytes(256)), sealed.root)


def test_an_unknown_slot_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(EntryError, match="no slot 'phone'"):
        vault_at(tmp_path).seal_slots(ORIGIN, SPEC, {"phone": "1"})


def of_people(directory: Path) -> Vault:
    """A vault that holds keys of people."""
    safe = FileKeyStore(directory / "safe")
    keys = FileSubjectKeys(directory / "subjects.db", Epochs(safe, now=lambda: datetime(2026, 9, 1, tzinfo=UTC)))
    return Vault(FileKeyStore(directory / "keys"), subjects=keys, safe=safe)


async def test_slots_of_a_person_open_until_that_persons_key_is_destroyed(tmp_path: Path) -> None:
    """A8: with the identity goes what tells who it was; what the law holds stays."""
    vault = of_people(tmp_path)
    ada, bob = [await vault.hold(Subject(name * 32)) for name in (b"a", b"b")]
    of_ada = vault.seal_slots(ORIGIN, SPEC, {"giver": "Ada", "request": "r"}, ada)
    of_bob = vault.seal_slots(ORIGIN, SPEC, {"giver": "Bob"}, bob)
    assert of_people(tmp_path).open_slots(ORIGIN, SPEC, of_ada, of_ada.root)["giver"] == "Ada"
    assert ada is not None
    assert ada.identity is not None
    destroy(tmp_path, ada.identity.id)
    left = vault.open_slots(ORIGIN, SPEC, of_ada, of_ada.root)
    assert sorted(left) == ["objects", "owners", "request"]
    assert left["request"] == "r"
    assert vault.open_slots(ORIGIN, SPEC, of_bob, of_bob.root)["giver"] == "Bob"


async def test_what_follows_from_an_erased_entry_is_erased_from_the_beginning(tmp_path: Path) -> None:
    vault = of_people(tmp_path)
    ada = await vault.hold(Subject(b"a" * 32))
    gift = vault.seal_slots(ORIGIN, SPEC, {"giver": "Ada"}, ada)
    assert vault.holder_of(gift) == ada
    assert ada is not None
    assert ada.identity is not None
    destroy(tmp_path, ada.identity.id)
    holder = vault.holder_of(gift)
    assert holder.identity is None
    fee = vault.seal_slots(ORIGIN, SPEC, {"note": "about Ada", "request": "r"}, holder)
    assert [box.group for box in fee.boxes] == ["audit"]
    assert vault.open_slots(ORIGIN, SPEC, fee, fee.root)["request"] == "r"


def test_what_the_service_key_sealed_is_followed_by_the_service_key(tmp_path: Path) -> None:
    vault = vault_at(tmp_path)
    sealed = vault.seal_slots(ORIGIN, SPEC, {"giver": "Ada"})
    after = vault.seal_slots(ORIGIN, SPEC, {"giver": "Ada"}, vault.holder_of(sealed))
    assert {box.key_id for box in after.boxes} == {"service"}
    assert of_people(tmp_path).open_slots(ORIGIN, SPEC, after, after.root)["giver"] == "Ada"


async def test_a_vault_without_keys_of_people_holds_nobody_and_does_not_call_them_erased(tmp_path: Path) -> None:
    vault = of_people(tmp_path)
    sealed = vault.seal_slots(ORIGIN, SPEC, {"giver": "Ada"}, await vault.hold(Subject(b"a" * 32)))
    assert await vault_at(tmp_path).hold(Subject(b"a" * 32)) is None
    with pytest.raises(KeyMissing, match="identity-"):
        vault_at(tmp_path).open_slots(ORIGIN, SPEC, sealed, sealed.root)


def test_keys_of_days_lie_in_the_safe_and_older_ones_still_open(tmp_path: Path) -> None:
    """D3: a backup of the keys must not keep a day's bodies readable beyond their 35 days."""
    key_id, old = vault_at(tmp_path).seal("inbox", b"from before the safe")
    vault = of_people(tmp_path)
    assert vault.open(key_id, old) == b"from before the safe"
    (tmp_path / "keys" / f"{key_id}.key").unlink()
    key_id, new = of_people(tmp_path).seal("inbox", b"body")
    assert (tmp_path / "safe" / f"{key_id}.key").exists()
    assert not (tmp_path / "keys" / f"{key_id}.key").exists()
    assert of_people(tmp_path).open(key_id, new) == b"body"


def destroy(directory: Path, key_id: str) -> None:
    """As another process would."""
    safe = FileKeyStore(directory / "safe")
    FileSubjectKeys(directory / "subjects.db", Epochs(safe, now=lambda: datetime(2026, 9, 1, tzinfo=UTC))).destroy(
        [key_id]
    )
