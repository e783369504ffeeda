"""The tilewriter beside a real signer: what it writes, in which order, and what it refuses to go on from."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ledger import checkpoint, tiles
from ledger.batches import BatchKey
from ledger.errors import Halted
from ledger.reader import LogReader
from ledger.signer import Signer, SignerRefuses
from ledger.signer_state import PublishDirectory, StateFile
from ledger.types import LogName
from server.db import Database
from server.files.object_store import ObjectStore
from server.files.store import DirectoryStore, FileStore, StoreAway
from server.files.tilewriter import TileWriter
from tests.support.logs import BATCH_SEED, TestLog, born_log, clock_us, key_of
from tests.support.s3 import S3
from tests.support.service import VERIFY


def signer_of(database: Database, directory: Path, files: FileStore, log: LogName = "public") -> Signer:
    """A signer that publishes to `files`; what it remembers lies in `directory`."""
    key = key_of(log)
    return Signer(
        database.signer,
        log,
        key,
        batch_public_key=BatchKey(BATCH_SEED).public,
        state=StateFile(directory / "state.json"),
        directory=PublishDirectory(directory / "publish"),
        clock=clock_us,
        files=TileWriter(database.writer, log, key.verify_key, files),
    )


async def started(database: Database, directory: Path, files: FileStore) -> Signer:
    signer = signer_of(database, directory, files)
    await signer.start()
    return signer


async def sign_all(signer: Signer) -> None:
    while await signer.step():
        pass


async def grow(log: TestLog, size: int) -> None:
    """Give until the log has that many entries."""
    head = await log.reader.existing_head()
    await asyncio.gather(*(log.give() for _ in range(size - head.size)))


def verified(directory: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-I", str(VERIFY), str(directory), "--key", key_of("public").vkey, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


async def shown(files: FileStore) -> checkpoint.Checkpoint:
    held = await files.read("checkpoint")
    assert held is not None
    return checkpoint.open(held.data, key_of("public").vkey)


async def test_a_stranger_verifies_the_bare_directory(database: Database, tmp_path: Path) -> None:
    files = DirectoryStore(tmp_path / "files")
    async with born_log(database.writer) as log:
        signer = await started(database, tmp_path, files)
        for size in (100, 103, 256, 276, 576, 577):
            await grow(log, size)
            await sign_all(signer)
        assert (await shown(files)).size == 577
        code, said = verified(files.path)
        assert (code, "577" in said) == (2, True), said
        assert verified(files.path, "--first-use", str(tmp_path / "seen"))[0] == 2
        await grow(log, 582)
        await sign_all(signer)
        assert verified(files.path, "--trusted", str(tmp_path / "seen"))[0] == 0


async def test_each_file_of_a_checkpoint_is_there_before_it(database: Database, tmp_path: Path) -> None:
    """Whoever reads a checkpoint finds all of its files; rows, bundles, tiles, then the checkpoint."""
    files = Watched(DirectoryStore(tmp_path / "files"))
    async with born_log(database.writer) as log:
        signer = await started(database, tmp_path, files)
        await grow(log, 261)
        await sign_all(signer)
        order = [name for name in files.written if name != "checkpoint"]
        assert files.written[-1] == "checkpoint"
        kinds = [name.startswith("tile/entries/") for name in order]
        assert kinds == sorted(kinds, reverse=True)
        assert {"tile/entries/000", "tile/0/000", "tile/entries/001.p/5", "tile/0/001.p/5", "tile/1/000.p/1"} <= {
            *order
        }
        stored = await LogReader(database.writer, "public").newest_checkpoint()
        assert stored is not None
        held = await files.read("checkpoint")
        assert held is not None
        assert held.data.decode() == stored.note


@dataclass
class Watched:
    """A place that remembers what is written, and fails where a test wants it to."""

    store: FileStore
    written: list[str] = field(default_factory=list)
    fails_at: int = -1
    fails_after: bool = False

    async def read(self, name: str) -> Any:
        return await self.store.read(name)

    async def create(self, files: Mapping[str, bytes]) -> list[str]:
        taken = []
        for name, data in files.items():
            self._fail(name, after=False)
            taken += await self.store.create({name: data})
            self._fail(name, after=True)
        return taken

    async def write(self, name: str, data: bytes) -> None:
        await self.store.write(name, data)

    async def exchange(self, name: str, data: bytes, version: str | None) -> str | None:
        self._fail(name, after=False)
        done = await self.store.exchange(name, data, version)
        self._fail(name, after=True)
        return done

    async def remove(self, names: list[str]) -> None:
        await self.store.remove(names)

    def _fail(self, name: str, *, after: bool) -> None:
        if not after:
            self.written.append(name)
        if len(self.written) - 1 == self.fails_at and after == self.fails_after:
            raise StoreAway("killed here")


@pytest.mark.parametrize("fails_after", [False, True])
async def test_killed_at_any_file_the_next_signer_publishes_the_same(
    database: Database, tmp_path: Path, *, fails_after: bool
) -> None:
    """Attack E8: a crash between a tile and the checkpoint. Nobody has seen what was not finished."""
    async with born_log(database.writer) as log:
        place = DirectoryStore(tmp_path / "files")
        await sign_all(await started(database, tmp_path, place))
        before = await shown(place)
        await grow(log, 260)
        fails_at = 0
        while True:
            files = Watched(place, fails_at=fails_at, fails_after=fails_after)
            signer = signer_of(database, tmp_path, files)
            try:
                await signer.start()
                await sign_all(signer)
                break
            except StoreAway:
                newest = await LogReader(database.writer, "public").newest_checkpoint()
                assert newest is not None
                assert newest.size == before.size
                fails_at += 1
        assert fails_at == 6
        assert (await shown(place)).size == 260
        assert verified(place.path)[0] == 2


async def test_files_that_are_away_hold_the_checkpoint_up_and_nothing_else(database: Database, tmp_path: Path) -> None:
    """What nobody can recover is shown to nobody; appends go on, and so does the signer when the place is back."""
    files = Watched(DirectoryStore(tmp_path / "files"))
    async with born_log(database.writer) as log:
        await grow(log, 100)
        signer = await started(database, tmp_path, files)
        await sign_all(signer)
        await grow(log, 101)
        files.fails_at = len(files.written)
        with pytest.raises(StoreAway):
            await signer.step()
        assert (await shown(files)).size == 100
        await sign_all(signer)
        assert (await shown(files)).size == 101
        stored = await LogReader(database.writer, "public").newest_checkpoint()
        assert (stored is not None, stored and stored.size) == (True, 101)


async def test_a_signer_with_an_older_state_is_refused(database: Database, tmp_path: Path) -> None:
    """Attacks E6, E8: a restored backup or a virtual machine's snapshot; it refuses and names the remedy."""
    files = DirectoryStore(tmp_path / "files")
    async with born_log(database.writer) as log:
        await grow(log, 100)
        signer = await started(database, tmp_path / "one", files)
        await sign_all(signer)
        state = (tmp_path / "one" / "state.json").read_bytes()
        await grow(log, 101)
        await sign_all(signer)
        (tmp_path / "two").mkdir()
        with pytest.raises(SignerRefuses, match="101 entries of public are published as files, the signer remembers 0"):
            await started(database, tmp_path / "two", files)
        (tmp_path / "two" / "state.json").write_bytes(state)
        with pytest.raises(SignerRefuses, match="secondwind recover"):
            await started(database, tmp_path / "two", files)


async def test_of_two_signers_the_slower_one_stops_before_anybody_sees_its_checkpoint(
    database: Database, tmp_path: Path
) -> None:
    """Attack E6: both started alike; the files' compare-and-swap decides."""
    files = DirectoryStore(tmp_path / "files")
    async with born_log(database.writer) as log:
        await grow(log, 100)
        one = await started(database, tmp_path / "one", files)
        await sign_all(one)
        (tmp_path / "two").mkdir()
        (tmp_path / "two" / "state.json").write_bytes((tmp_path / "one" / "state.json").read_bytes())
        two = await started(database, tmp_path / "two", files)
        await grow(log, 101)
        await sign_all(one)
        await grow(log, 102)
        with pytest.raises(SignerRefuses, match="Another signer has published public"):
            await two.step()
        assert (await shown(files)).size == 101
        assert "\n101\n" in (tmp_path / "one" / "publish" / "checkpoint").read_text()
        assert "\n100\n" in (tmp_path / "two" / "publish" / "checkpoint").read_text()


async def test_a_full_tile_with_other_bytes_is_never_written_over_and_halts_the_log(
    database: Database, tmp_path: Path
) -> None:
    files = DirectoryStore(tmp_path / "files")
    async with born_log(database.writer) as log:
        signer = await started(database, tmp_path, files)
        await sign_all(signer)
        before = await shown(files)
        await files.create({"tile/0/000": bytes(8192)})
        await grow(log, 260)
        await sign_all(signer)
        held = await files.read("tile/0/000")
        assert held is not None
        assert held.data == bytes(8192)
        assert await shown(files) == before
        with pytest.raises(Halted, match="the published file tile/0/000 holds other bytes than the log"):
            await log.give()


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "name", ["tile/0/001.p/45", "tile/1/000.p/1", "tile/entries/001.p/45"], ids=["tile", "level", "bundle"]
)
@pytest.mark.parametrize("harm", ["flip", "cut", "lose"])
async def test_a_spoiled_file_at_the_edge_is_named_and_nothing_is_built_on_it(
    database: Database, tmp_path: Path, name: str, harm: str
) -> None:
    """Attack E8, f.10: a bit flip, a torn file, a missing tile."""
    files = DirectoryStore(tmp_path / "files")
    async with born_log(database.writer) as log:
        await grow(log, 301)
        signer = await started(database, tmp_path, files)
        await sign_all(signer)
        path = files.path / name
        if harm == "flip":
            flip(path)
        elif harm == "cut":
            path.write_bytes(path.read_bytes()[:-1])
        else:
            path.unlink()
        await grow(log, 302)
        signer = signer_of(database, tmp_path, files)
        with pytest.raises(SignerRefuses, match="contradicts its database"):
            await signer.start()
        with pytest.raises(Halted, match=f"the published file {name} "):
            await log.give()
        assert verified(files.path)[0] == (2 if name.startswith("tile/1") or harm == "lose" else 1)


async def test_a_log_that_was_long_without_files_is_published_in_parts(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.files.tilewriter.ENTRIES_PER_PART_MAX", 100)
    async with born_log(database.writer) as log:
        first = signer_of(database, tmp_path, DirectoryStore(tmp_path / "elsewhere"))
        await first.start()
        for size in range(70, 570, 70):
            await grow(log, size)
            await sign_all(first)
        files = Watched(DirectoryStore(tmp_path / "files"))
        await sign_all(await started(database, tmp_path, files))
        assert files.written.count("checkpoint") == 8
        assert (await shown(files)).size == 560
        assert verified(tmp_path / "files")[0] == 2


async def test_partial_tiles_go_when_nobody_needs_them(database: Database, tmp_path: Path) -> None:
    files = DirectoryStore(tmp_path / "files")
    async with born_log(database.writer) as log:
        signer = await started(database, tmp_path, files)
        for size in range(200, 2001, 200):
            await grow(log, size)
            await sign_all(signer)
        partial = {path.parent.name for path in (files.path / "tile" / "0").rglob("*.p/*")}
        assert partial == {f"{n:03}.p" for n in range(3, 8)}
        assert len(list((files.path / "tile" / "0").glob("???"))) == 2000 // tiles.TILE_WIDTH
        assert verified(files.path)[0] == 2


async def test_a_bucket_holds_what_a_directory_does(database: Database, tmp_path: Path, s3: S3) -> None:
    async with born_log(database.writer) as log:
        signer = await started(database, tmp_path / "bucket", ObjectStore("s3://charity/ledger"))
        await grow(log, 260)
        await sign_all(signer)
        await grow(log, 291)
        await sign_all(signer)
        for name, data in s3.objects.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        assert verified(tmp_path / "ledger")[0] == 2
        s3.fails = lambda method, _key: 503 if method == "PUT" else None
        await grow(log, 292)
        with pytest.raises(StoreAway):
            await signer.step()
        s3.fails = lambda _method, _key: None
        await sign_all(signer)
        assert b"\n292\n" in s3.objects["ledger/checkpoint"]
