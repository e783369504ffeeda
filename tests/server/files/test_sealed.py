"""Sealed files: what a stranger who holds all of them can do with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.files.sealed import SealedPart
from server.files.store import DirectoryStore
from server.vault import Tampered, vault_at

SECRET = b"what stands in the books"


async def test_nobody_without_the_vault_reads_a_sealed_file(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "files")
    sealed = SealedPart(store, "sealed/books", vault_at(tmp_path / "ours"))
    await sealed.create({"tile/entries/000": SECRET})
    await sealed.write("sidecar/000", SECRET)
    version = await sealed.exchange("checkpoint", SECRET, None)
    for name in ("tile/entries/000", "sidecar/000", "checkpoint"):
        raw = await store.read(f"sealed/books/{name}")
        opened = await sealed.read(name)
        assert raw is not None
        assert opened is not None
        assert SECRET not in raw.data
        assert opened.data == SECRET
    assert await sealed.exchange("checkpoint", b"", version) is not None
    assert await sealed.create({"tile/entries/000": b""}) == ["tile/entries/000"]
    await sealed.remove(["checkpoint"])
    assert await sealed.read("checkpoint") is None
    with pytest.raises(Tampered):
        await SealedPart(store, "sealed/books", vault_at(tmp_path / "theirs")).read("sidecar/000")


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"service\n", b"service\nshort", b"SERVICE\n" + bytes(64), b"\xff\n" + bytes(64)]
)
async def test_bytes_that_nobody_sealed_are_an_answer(tmp_path: Path, data: bytes) -> None:
    store = DirectoryStore(tmp_path / "files")
    await store.write("sealed/books/checkpoint", data)
    with pytest.raises(Tampered):
        await SealedPart(store, "sealed/books", vault_at(tmp_path)).read("checkpoint")


async def test_a_sealed_file_opens_under_its_own_name_only(tmp_path: Path) -> None:
    """Attack E7: rows of another range, or of another log, put in a file's place."""
    store = DirectoryStore(tmp_path / "files")
    vault = vault_at(tmp_path)
    await SealedPart(store, "sealed/books", vault).write("sidecar/000", SECRET)
    moved = await store.read("sealed/books/sidecar/000")
    assert moved is not None
    for prefix, name in (
        ("sealed/books", "sidecar/001"),
        ("sealed/audit", "sidecar/000"),
        ("sealed", "books/sidecar/00"),
    ):
        await store.write(f"{prefix}/{name}", moved.data)
        with pytest.raises(Tampered):
            await SealedPart(store, prefix, vault).read(name)
