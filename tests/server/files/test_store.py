"""Places for files keep one contract: a directory, and a bucket of a local S3."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

import pytest

from server.files.object_store import ObjectStore
from server.files.store import DirectoryStore, FileStore, StoreAway
from tests.support.s3 import S3


@pytest.fixture(params=["directory", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, s3: S3) -> FileStore:
    assert s3.environment
    return DirectoryStore(tmp_path / "files") if request.param == "directory" else ObjectStore("s3://charity/files")


async def data_of(store: FileStore, name: str) -> bytes | None:
    held = await store.read(name)
    return None if held is None else held.data


async def test_what_is_there_is_never_created_again(store: FileStore) -> None:
    assert await store.create({"tile/0/000": b"one", "tile/0/000.p/7": b"two"}) == []
    assert await store.create({"tile/0/000": b"other", "tile/0/001": b"three"}) == ["tile/0/000"]
    found = [await data_of(store, name) for name in ("tile/0/000", "tile/0/000.p/7", "tile/0/001", "tile/0/002")]
    assert found == [b"one", b"two", b"three", None]


async def test_of_many_that_exchange_the_same_version_one_succeeds(store: FileStore) -> None:
    """Attack E6: the compare-and-swap outside the database."""
    assert await store.exchange("checkpoint", b"0", None)
    assert not await store.exchange("checkpoint", b"again", None)
    held = await store.read("checkpoint")
    assert held is not None
    done = await asyncio.gather(*(store.exchange("checkpoint", b"%d" % n, held.version) for n in range(1, 9)))
    [(number, version)] = [(n, version) for n, version in enumerate(done, 1) if version is not None]
    assert await store.read("checkpoint") == (b"%d" % number, version)
    assert not await store.exchange("other", b"", held.version)


async def test_a_file_is_written_over_and_removed_on_request(store: FileStore) -> None:
    await store.write("a/b.p/1", b"1")
    await store.write("a/b.p/1", b"2")
    await store.write("a/b.p/2", b"3")
    assert await data_of(store, "a/b.p/1") == b"2"
    await store.remove(["a/b.p", "never/there"])
    assert [await data_of(store, f"a/b.p/{n}") for n in (1, 2)] == [None, None]


async def test_a_file_beside_a_removed_folder_stays(store: FileStore) -> None:
    await store.create({"tile/0/001": b"full", "tile/0/001.p/9": b"part"})
    await store.remove(["tile/0/001.p"])
    assert (await data_of(store, "tile/0/001"), await data_of(store, "tile/0/001.p/9")) == (b"full", None)


async def test_a_crash_while_writing_leaves_no_file_that_readers_could_find(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack E8: a torn file. Bytes come under their name only when they are on the disk."""
    store = DirectoryStore(tmp_path)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    await store.write("checkpoint", b"old")
    monkeypatch.setattr(os, "fsync", full)
    for attempt in (
        store.create({"tile/0/000": b"torn"}),
        store.write("checkpoint", b"torn"),
        store.exchange("checkpoint", b"torn", (await store.read("checkpoint") or (b"", ""))[1]),
    ):
        with pytest.raises(StoreAway, match="No space left"):
            await attempt
    monkeypatch.undo()
    assert await data_of(store, "checkpoint") == b"old"
    assert await data_of(store, "tile/0/000") is None
    assert leftovers(tmp_path) == []


def leftovers(directory: Path) -> list[Path]:
    return list(directory.rglob(".new-*"))


async def test_a_lock_that_is_never_let_go_of_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack E6: a signer that was stopped while it exchanged; the other one must neither go on nor hang."""
    monkeypatch.setattr("server.files.store.LOCK_TIMEOUT_S", 0.1)
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreAway, match="held the lock"):
            await DirectoryStore(tmp_path).exchange("checkpoint", b"", None)
    assert await DirectoryStore(tmp_path).exchange("checkpoint", b"", None)
