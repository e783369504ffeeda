"""Keys are files outside the database: private, durable, made once, and gone when destroyed."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from server.vault import FileKeyStore, KeyMissing


def test_a_created_key_is_private_and_reads_back(tmp_path: Path) -> None:
    store = FileKeyStore(tmp_path / "keys")
    assert store.create("service", b"k" * 32) == b"k" * 32
    assert FileKeyStore(tmp_path / "keys").load("service") == b"k" * 32
    assert stat.S_IMODE((tmp_path / "keys" / "service.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_the_first_of_two_creators_wins_and_both_hold_the_same_key(tmp_path: Path) -> None:
    store = FileKeyStore(tmp_path)
    got: list[bytes] = []
    barrier = threading.Barrier(8)

    def create(byte: int) -> None:
        barrier.wait()
        got.append(store.create("service", bytes([byte]) * 32))

    threads = [threading.Thread(target=create, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(got) == {store.load("service")}
    assert [p.name for p in tmp_path.iterdir()] == ["service.key"]


def test_a_key_that_was_never_made_is_none(tmp_path: Path) -> None:
    assert FileKeyStore(tmp_path).load("service") is None


def test_a_cut_key_file_is_reported_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "service.key").write_bytes(b"short")
    with pytest.raises(KeyMissing, match="restore the keys directory"):
        FileKeyStore(tmp_path).load("service")


def test_a_destroyed_key_is_gone(tmp_path: Path) -> None:
    store = FileKeyStore(tmp_path)
    store.create("inbox-2026-01-01", b"k" * 32)
    assert store.ids() == ["inbox-2026-01-01"]
    assert store.destroy("inbox-2026-01-01")
    assert not store.destroy("inbox-2026-01-01")
    assert store.load("inbox-2026-01-01") is None


@pytest.mark.parametrize("name", ["../service", "Service", "", "a/b", "x" * 65])
def test_a_name_that_could_leave_the_directory_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a key name"):
        FileKeyStore(tmp_path).create(name, b"k" * 32)


def test_a_key_of_another_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        FileKeyStore(tmp_path).create("service", b"short")
