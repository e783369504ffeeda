"""Subject keys in a file of their own: durable, shared by processes, wrapped by the week, gone when destroyed (D1)."""

from __future__ import annotations

import sqlite3
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.vault import EpochMissing, FileKeyStore, Tampered, VaultError
from server.vault.epochs import Epochs
from server.vault.subject_file import FileSubjectKeys
from server.vault.subjects import Subject

ADA = Subject(b"a" * 32, (b"e" * 32,))
BOB = Subject(b"b" * 32)
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def opened(directory: Path, now: datetime = NOW) -> FileSubjectKeys:
    """The keys of one data directory, as another process would open them."""
    return FileSubjectKeys(directory / "subjects.db", Epochs(FileKeyStore(directory / "safe"), now=lambda: now))


def test_a_subject_has_two_keys_which_every_process_sees(tmp_path: Path) -> None:
    (ada, bob) = opened(tmp_path).ensure([ADA, BOB])
    assert ada.identity is not None
    assert ada.audit is not None
    assert len({ada.identity.key, ada.audit.key, bob.identity and bob.identity.key}) == 3
    assert opened(tmp_path).ensure([BOB, ADA]) == [bob, ada]
    assert opened(tmp_path).load(ada.audit.id) == ada.audit.key
    assert stat.S_IMODE((tmp_path / "subjects.db").stat().st_mode) == 0o600


def test_many_at_once_agree_on_one_key(tmp_path: Path) -> None:
    """Two processes that meet a giver for the first time at once seal under the same key."""
    stores = [opened(tmp_path) for _ in range(6)]
    found, barrier = [], threading.Barrier(6)

    def ensure(store: FileSubjectKeys) -> None:
        barrier.wait()
        found.append(store.ensure([ADA])[0])

    threads = [threading.Thread(target=ensure, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert all(holder == found[0] for holder in found)


def test_a_subject_is_found_by_name_and_by_alias(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    keys.ensure([Subject(ADA.name), BOB])
    assert keys.find(ADA.aliases[0]) == []
    keys.ensure([ADA])
    by_alias = keys.find(ADA.aliases[0])
    assert [key.group for key in by_alias] == ["audit", "identity"]
    assert keys.find(ADA.name) == by_alias


def test_the_file_holds_neither_key_after_destruction_nor_the_name(tmp_path: Path) -> None:
    """D1: what is destroyed is overwritten, in the file and in its write-ahead log."""
    keys = opened(tmp_path)
    holder = keys.ensure([ADA, BOB])[0]
    assert holder.identity is not None
    assert holder.audit is not None
    with sqlite3.connect(tmp_path / "subjects.db") as connection:
        query = "select wrapped from keys where key_id = ?"
        (wrapped,) = connection.execute(query, (holder.identity.id,)).fetchone()
    connection.close()
    assert keys.destroy([holder.identity.id]) == 1
    assert keys.destroy([holder.identity.id]) == 0
    everything = b"".join(path.read_bytes() for path in tmp_path.glob("subjects.db*"))
    for gone in (wrapped, ADA.name, ADA.aliases[0], holder.identity.id.encode()):
        assert gone not in everything
    assert keys.load(holder.identity.id) is None
    assert keys.load(holder.audit.id) == holder.audit.key


def test_who_comes_back_after_an_erasure_is_somebody_new(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    before = keys.ensure([ADA])[0]
    assert before.identity is not None
    keys.destroy([before.identity.id])
    assert keys.find(ADA.aliases[0]) == []
    after = keys.ensure([ADA])[0]
    assert after.identity is not None
    assert after.audit is not None
    assert before.audit is not None
    assert {after.identity.id, after.audit.id}.isdisjoint({before.identity.id, before.audit.id})


def test_rewrapping_changes_no_key_and_kills_old_copies(tmp_path: Path) -> None:
    """D1: a copy of the file opens for as long as its epoch lives, and never again; the living go on."""
    keys = opened(tmp_path)
    holders = keys.ensure([ADA, BOB])
    keys.copy_to(tmp_path / "copy.db")
    for weeks in range(1, 5):
        done = opened(tmp_path, NOW + timedelta(weeks=weeks)).rewrap()
        assert done.keys == 4
    assert done.destroyed == ("epoch-2026-09-07",)
    later = NOW + timedelta(weeks=4)
    assert opened(tmp_path, later).ensure([ADA, BOB]) == holders
    copy = FileSubjectKeys(tmp_path / "copy.db", Epochs(FileKeyStore(tmp_path / "safe"), now=lambda: later))
    assert holders[0].audit is not None
    with pytest.raises(EpochMissing, match="epoch-2026-08-31"):
        copy.load(holders[0].audit.id)


def test_rewrapping_twice_in_a_week_does_nothing_the_second_time(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    keys.ensure([ADA])
    assert keys.rewrap().keys == 0


def test_a_clock_that_was_years_ahead_costs_no_key(tmp_path: Path) -> None:
    """Wrong clock: what was wrapped by a week of the future is wrapped by this one again."""
    holder = opened(tmp_path).ensure([ADA])[0]
    opened(tmp_path, datetime(2031, 1, 1, tzinfo=UTC)).rewrap()
    keys = opened(tmp_path)
    assert keys.rewrap().destroyed == ("epoch-2030-12-30",)
    assert keys.ensure([ADA])[0] == holder


def test_an_absent_safe_loses_no_key_and_is_told(tmp_path: Path) -> None:
    """A safe that is not mounted looks as if every epoch had died; nothing may be thrown away for that."""
    holders = opened(tmp_path).ensure([ADA, BOB])
    (tmp_path / "safe").rename(tmp_path / "unmounted")
    keys = opened(tmp_path, NOW + timedelta(weeks=5))
    assert keys.missing_epochs() == ["epoch-2026-08-31"]
    with pytest.raises(EpochMissing, match="epoch-2026-08-31"):
        keys.rewrap()
    assert holders[0].identity is not None
    with pytest.raises(EpochMissing):
        keys.load(holders[0].identity.id)  # and never None: nobody is erased by an absent disk
    (tmp_path / "safe" / "epoch-2026-10-05.key").rename(tmp_path / "unmounted" / "epoch-2026-10-05.key")
    (tmp_path / "safe").rmdir()
    (tmp_path / "unmounted").rename(tmp_path / "safe")
    assert keys.missing_epochs() == []
    assert keys.ensure([ADA, BOB]) == holders


def test_what_is_given_up_makes_way_for_new_keys(tmp_path: Path) -> None:
    """A backup older than every epoch: nothing private of it opens, and whoever gives again gets a new key."""
    before = opened(tmp_path).ensure([ADA])[0]
    (tmp_path / "safe" / "epoch-2026-08-31.key").unlink()
    keys = opened(tmp_path, NOW + timedelta(weeks=5))
    assert keys.give_up(keys.missing_epochs()) == 2
    assert keys.missing_epochs() == []
    assert keys.ensure([ADA])[0] != before


def test_a_wrapped_key_opens_only_under_its_own_id(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    holder = keys.ensure([ADA])[0]
    assert holder.identity is not None
    with sqlite3.connect(tmp_path / "subjects.db") as connection:
        connection.execute("update keys set wrapped = (select wrapped from keys where grp = 'audit')")
    connection.close()
    with pytest.raises(Tampered, match=holder.identity.id):
        keys.load(holder.identity.id)


def test_a_file_that_is_no_store_is_told_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "subjects.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(VaultError, match="restore the keys directory"):
        opened(tmp_path)


def test_copies_bring_keys_and_names_back_unless_their_epoch_is_gone(tmp_path: Path) -> None:
    """Attack D2: a copy is worth as much as a backup of the same week, and no more."""
    keys = opened(tmp_path)
    ada, bob = keys.ensure([ADA, BOB])
    assert ada.identity is not None
    assert ada.audit is not None
    assert bob.identity is not None
    copies = keys.copies([ada.identity.id, ada.audit.id, "identity-nobody"])
    assert [copy.id for copy in copies] == sorted([ada.audit.id, ada.identity.id])
    assert ada.identity.key not in b"".join(copy.wrapped for copy in copies)
    (tmp_path / "subjects.db").rename(tmp_path / "lost.db")
    for rest in tmp_path.glob("subjects.db-*"):
        rest.unlink()
    again = opened(tmp_path)
    assert (again.take_in(copies), again.take_in(copies)) == (2, 0)
    assert again.ensure([ADA]) == [ada]
    assert again.load(bob.identity.id) is None
    elsewhere = opened(tmp_path / "elsewhere")
    assert elsewhere.take_in(copies) == 0
    assert elsewhere.find(ADA.name) == []


def test_a_copy_opens_what_it_sealed_beside_the_key_that_its_subject_has_by_now(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    [old] = keys.ensure([ADA])
    assert old.identity is not None
    copies = keys.copies([old.identity.id])
    keys.destroy([old.identity.id])
    [new] = keys.ensure([ADA])
    assert keys.take_in(copies) == 1
    assert keys.load(old.identity.id) == old.identity.key
    assert keys.ensure([ADA]) == [new]
