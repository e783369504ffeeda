"""People in a restore: not without the safe, and nobody comes back who was erased since the backup (D2)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from server.erasure.listed import Erasure
from server.errors import StartRefused
from server.keeping.people import Arriving
from server.keyring import Keyring
from server.settings import Settings
from server.vault import Holder, Subject

ADA, BOB = Subject(b"a" * 32), Subject(b"b" * 32)


def backed_up(base: Path) -> tuple[Keyring, list[Holder]]:
    """An instance with two people's keys, and a copy of those as a backup holds it."""
    keyring = Keyring.open(Settings(data_dir=base / "old"))
    holders = keyring.subjects.ensure([ADA, BOB])
    (base / "backup" / "keys").mkdir(parents=True)
    keyring.subjects.copy_to(base / "backup" / "keys" / "subjects.db")
    return keyring, holders


def arriving(base: Path, safe: Path | None, *, without_people: bool = False) -> Arriving:
    return Arriving(base / "backup", Settings(data_dir=base / "new"), safe, without_people=without_people)


def restored(base: Path) -> Keyring:
    """The instance that the backup's keys were copied to."""
    shutil.copytree(base / "backup" / "keys", base / "new" / "keys")
    return Keyring.open(Settings(data_dir=base / "new"))


def test_nobody_comes_back_who_was_erased_after_the_backup(tmp_path: Path) -> None:
    keyring, (ada, bob) = backed_up(tmp_path)
    assert ada.identity is not None
    keyring.erased.write(Erasure(ada.identity.id, "identity", 1, "dana", "2026-10-06"))
    keyring.subjects.destroy([ada.identity.id])
    coming = arriving(tmp_path, tmp_path / "old" / "safe")
    coming.check()
    new = restored(tmp_path)
    assert coming.settle() == 1
    new.check()
    assert new.subjects.load(ada.identity.id) is None
    assert ada.audit is not None
    assert new.subjects.load(ada.audit.id) == ada.audit.key
    assert new.subjects.ensure([BOB]) == [bob]
    assert new.erased.find(ada.identity.id) is not None


def test_a_restore_without_the_safe_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    backed_up(tmp_path)
    before = (tmp_path / "backup" / "keys" / "subjects.db").read_bytes()
    with pytest.raises(StartRefused, match="which no safe named here holds"):
        arriving(tmp_path, None).check()
    with pytest.raises(StartRefused, match="is not there"):
        arriving(tmp_path, tmp_path / "unmounted").check()
    assert (tmp_path / "backup" / "keys" / "subjects.db").read_bytes() == before
    assert not (tmp_path / "new").exists()


def test_people_whose_weeks_are_over_are_given_up_when_that_is_wanted(tmp_path: Path) -> None:
    backed_up(tmp_path)
    coming = arriving(tmp_path, None, without_people=True)
    coming.check()
    new = restored(tmp_path)
    coming.settle()
    new.check()
    assert new.subjects.find(ADA.name) == []


def test_a_spoiled_erasure_list_is_found_before_anything_is_restored(tmp_path: Path) -> None:
    keyring, _ = backed_up(tmp_path)
    keyring.erased.write(Erasure("identity-abc", "identity", 1, "dana", "2026-10-06"))
    (tmp_path / "old" / "safe" / "erased" / "identity-abc.json").write_bytes(b"{}")
    with pytest.raises(StartRefused, match="not part of an erasure list"):
        arriving(tmp_path, tmp_path / "old" / "safe").check()
