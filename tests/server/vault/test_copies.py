"""The safe in two places: both hold the same keys, either alone is enough, and destruction reaches both (D1)."""

from __future__ import annotations

import threading
from pathlib import Path

from server.vault import FileKeyStore
from server.vault.copies import CopiedKeyStore


def two(directory: Path) -> tuple[CopiedKeyStore, FileKeyStore, FileKeyStore]:
    one, other = FileKeyStore(directory / "one"), FileKeyStore(directory / "two")
    return CopiedKeyStore([one, other]), one, other


def test_a_key_lies_in_both_places(tmp_path: Path) -> None:
    both, one, other = two(tmp_path)
    key = both.create("epoch-2026-08-31", b"k" * 32)
    assert one.load("epoch-2026-08-31") == other.load("epoch-2026-08-31") == key


def test_a_place_that_was_lost_is_filled_from_the_other(tmp_path: Path) -> None:
    both, one, _ = two(tmp_path)
    both.create("epoch-2026-08-31", b"k" * 32)
    one.destroy("epoch-2026-08-31")
    assert both.ids() == ["epoch-2026-08-31"]
    assert both.load("epoch-2026-08-31") == b"k" * 32
    assert one.load("epoch-2026-08-31") == b"k" * 32


def test_destruction_reaches_every_place(tmp_path: Path) -> None:
    both, one, other = two(tmp_path)
    both.create("epoch-2026-08-31", b"k" * 32)
    one.destroy("epoch-2026-08-31")
    assert both.destroy("epoch-2026-08-31")
    assert not both.destroy("epoch-2026-08-31")
    assert one.ids() == other.ids() == []
    assert both.load("epoch-2026-08-31") is None


def test_two_creators_at_once_leave_one_key_in_both_places(tmp_path: Path) -> None:
    got: list[bytes] = []
    barrier = threading.Barrier(6)

    def create(byte: int) -> None:
        both, *_ = two(tmp_path)
        barrier.wait()
        got.append(both.create("epoch-2026-08-31", bytes([byte]) * 32))

    threads = [threading.Thread(target=create, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _, one, other = two(tmp_path)
    assert set(got) == {one.load("epoch-2026-08-31")} == {other.load("epoch-2026-08-31")}
