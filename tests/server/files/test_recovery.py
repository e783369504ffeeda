"""Recovery from files and sidecar: every row as it was, from any older state; and what it refuses, by name."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from server.domains.giving.commands import Visibility
from server.erasure.listed import Erasure
from server.errors import StartRefused
from server.keyring import Keyring
from server.settings import Settings
from tests.server.files.charity import LOGS, Place, give, publish, somewhere
from tests.support.postgres import Server
from tests.support.s3 import S3


def copy(files: Path, name: str) -> Path:
    return Path(shutil.copytree(files, files.parent / name))


MIXED: tuple[tuple[Visibility, str], ...] = (
    ("live", "rent"),
    ("quiet", "rent"),
    ("hidden", "rent"),
    ("live", "nowhere"),
)


async def published(place: Place, *, gifts: int, seed: str, kinds: tuple[tuple[Visibility, str], ...] = MIXED) -> None:
    """Give so many gifts of these kinds in turn, and publish all that is there."""
    async with place.parts() as parts:
        chosen = [kinds[number % len(kinds)] for number in range(gifts)]
        await asyncio.gather(
            *(give(parts, f"{seed}{n}", visibility=how, fund=fund) for n, (how, fund) in enumerate(chosen))
        )
        await publish(parts)


async def test_from_nothing_but_keys_and_files_everything_is_as_it_was(postgres_server: Server, tmp_path: Path) -> None:
    """Attacks E6, E7, E8: no backup at all; rows of every table, signers that go on, and a log that says so."""
    files = tmp_path / "files"
    async with somewhere(postgres_server, tmp_path / "old", files) as old:
        await published(old, gifts=120, seed="a")
        await published(old, gifts=120, seed="b")
        before, sizes = await old.rows(), await old.sizes()
        async with somewhere(postgres_server, tmp_path / "new", files, keys_of=tmp_path / "old") as new:
            done = await new.recover()
            assert {log: (one.had, one.size, one.adopted) for log, one in done.items()} == {
                log: (0, size, True) for log, size in sizes.items()
            }
            async with new.parts() as parts:
                await publish(parts)
            after = await new.rows()
            assert {table: rows - after[table] for table, rows in before.items() if rows - after[table]} == {}
            again = await new.recover()
            assert [one.adopted or one.size > one.had for one in again.values()] == [False] * 3
            await published(new, gifts=2, seed="b")
            assert await new.sizes() == sizes
            await published(new, gifts=3, seed="c")
            assert (await new.sizes())["books"] == sizes["books"] + 3


async def test_an_older_database_is_carried_on(postgres_server: Server, tmp_path: Path) -> None:
    """What a backup still had is compared and kept; the tail is brought back; nothing is published twice."""
    files = tmp_path / "files"
    async with somewhere(postgres_server, tmp_path / "old", files) as old:
        await published(old, gifts=40, seed="a")
        earlier = copy(files, "earlier")
        async with somewhere(postgres_server, tmp_path / "new", files, keys_of=tmp_path / "old") as new:
            await new.recover(earlier)
            await published(old, gifts=230, seed="b")
            before, sizes = await old.rows(), await old.sizes()
            done = await new.recover()
            assert done["books"].had < done["books"].size == sizes["books"]
            async with new.parts() as parts:
                await publish(parts)
            after = await new.rows()
            assert {table: rows ^ after[table] for table, rows in before.items() if rows != after[table]} == {}


async def test_a_bucket_brings_back_what_a_directory_does(postgres_server: Server, tmp_path: Path, s3: S3) -> None:
    """Attack E7, from an S3-compatible store."""
    async with somewhere(postgres_server, tmp_path / "old", "s3://charity/files") as old:
        await published(old, gifts=5, seed="a")
        async with somewhere(postgres_server, tmp_path / "new", old.files, keys_of=tmp_path / "old") as new:
            del s3.objects["files/sealed/public/sidecar/000.p/" + str((await old.sizes())["public"])]
            with pytest.raises(StartRefused, match="lack sidecar/"):
                await new.recover()
            async with old.parts() as parts:
                await give(parts, "b")
                await publish(parts)
            before = await old.rows()
            await new.recover()
            after = await new.rows()
            del before["ledger_tiles"]  # they come with the signers
            assert {table: rows - after[table] for table, rows in before.items() if rows - after[table]} == {}


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


Harm = Callable[[Path], object]
HARMS: dict[str, Harm] = {
    r"lack checkpoint.*booked twice": lambda files: shutil.rmtree(files / "sealed"),
    r"lack sidecar/000\. .*booked twice": lambda files: (files / "sealed/books/sidecar/000").unlink(),
    r"a value sealed under service does not open": lambda files: flip(files / "sealed/books/sidecar/000"),
    r"sealed/books/sidecar/000 does not open": lambda files: shutil.copy(
        files / "sealed/books/tile/0/000", files / "sealed/books/sidecar/000"
    ),
    r"tile/entries/000 was changed": lambda files: flip(files / "ledger/tile/entries/000"),
    r"tile/entries/000 is damaged: entry 255 of the bundle is cut off": lambda files: cut(
        files / "ledger/tile/entries/000"
    ),
    r"tile/entries/000 is missing": lambda files: (files / "ledger/tile/entries/000").unlink(),
    r"tile/0/000 was changed": lambda files: flip(files / "ledger/tile/0/000"),
    r"tile/0/000 is cut": lambda files: cut(files / "ledger/tile/0/000"),
    r"tile/0/000 is missing": lambda files: (files / "ledger/tile/0/000").unlink(),
    r"the tiles .*tile/1/000\.p/1 do not give the root": lambda files: flip(files / "ledger/tile/1/000.p/1"),
    r"checkpoint is not signed by a key": lambda files: flip(files / "ledger/checkpoint"),
    r"checkpoint does not open": lambda files: flip(files / "sealed/audit/checkpoint"),
    r"tile/entries/000 does not open": lambda files: flip(files / "sealed/books/tile/entries/000"),
}


async def test_files_that_are_not_as_they_were_written_are_named_and_change_nothing(
    postgres_server: Server, tmp_path: Path
) -> None:
    """Attack E8, f.10: torn, missing, flipped, exchanged."""
    files = tmp_path / "files"
    async with somewhere(postgres_server, tmp_path / "old", files) as old:
        await published(old, gifts=260, seed="a", kinds=MIXED[:1])
        async with somewhere(postgres_server, tmp_path / "new", files, keys_of=tmp_path / "old") as new:
            for number, (says, harm) in enumerate(HARMS.items()):
                spoiled = copy(files, f"spoiled-{number}")
                harm(spoiled)
                with pytest.raises(StartRefused, match=says):
                    await new.recover(spoiled)
                assert await new.sizes() == {}, says
                assert not list((new.directory / "signer").iterdir())
            assert (await new.recover())["public"].size == (await old.sizes())["public"]


async def test_a_database_of_another_history_is_refused(postgres_server: Server, tmp_path: Path) -> None:
    """Attack E6: somebody went on from the old backup before he recovered."""
    files = tmp_path / "files"
    async with somewhere(postgres_server, tmp_path / "old", files) as old:
        await published(old, gifts=5, seed="a")
        earlier = copy(files, "earlier")
        async with somewhere(postgres_server, tmp_path / "new", files, keys_of=tmp_path / "old") as new:
            await new.recover(earlier)
            await published(old, gifts=5, seed="b")
            async with new.parts() as parts:
                await give(parts, "another")
            size = (await new.sizes())["books"]
            with pytest.raises(StartRefused, match=f"Position {size - 1} of books .* Another history was restored"):
                await new.recover()
            assert (await new.sizes())["books"] == size


async def test_files_older_than_what_was_shown_are_refused(postgres_server: Server, tmp_path: Path) -> None:
    """Attack E8: what was shown is never signed a second time."""
    files = tmp_path / "files"
    async with somewhere(postgres_server, tmp_path / "old", files) as old:
        await published(old, gifts=5, seed="a")
        earlier = copy(files, "earlier")
        await published(old, gifts=5, seed="b")
        async with somewhere(postgres_server, tmp_path / "new", files, keys_of=tmp_path / "old") as new:
            shutil.copytree(old.directory / "publish", new.directory / "publish")
            with pytest.raises(StartRefused, match="was shown, files and database hold"):
                await new.recover(earlier)
            assert (await new.recover())["books"].adopted


async def test_lost_keys_and_a_halted_log_are_refused(postgres_server: Server, tmp_path: Path) -> None:
    files = tmp_path / "files"
    async with somewhere(postgres_server, tmp_path / "old", files) as old:
        await published(old, gifts=5, seed="a")
        async with somewhere(postgres_server, tmp_path / "new", files, keys_of=tmp_path / "old") as new:
            for name in ("service", "writer", "log-books"):
                key = new.directory / "keys" / f"{name}.key"
                data = key.read_bytes()
                key.unlink()
                with pytest.raises(StartRefused, match=r"is lost\. Restore the keys directory"):
                    await new.recover()
                assert not key.exists()
                key.write_bytes(data)
        await old.admin.execute("update ledger_heads set halted = 'look here' where log = 'books'")
        with pytest.raises(StartRefused, match="books is halted: look here"):
            await old.recover()


async def test_whoever_still_writes_to_a_recovered_log_is_fenced(postgres_server: Server, tmp_path: Path) -> None:
    """Attack E4."""
    files = tmp_path / "files"
    async with somewhere(postgres_server, tmp_path / "old", files) as old:
        await published(old, gifts=5, seed="a")
        async with somewhere(postgres_server, tmp_path / "new", files, keys_of=tmp_path / "old") as new:
            await new.recover()
            epochs = await new.admin.fetch("select log, epoch from ledger_heads")
            assert {row["log"]: row["epoch"] for row in epochs} == dict.fromkeys(LOGS, 2)


async def test_who_gave_since_the_backup_is_opened_again_and_the_erased_are_not(
    postgres_server: Server, tmp_path: Path
) -> None:
    """Attacks D2, E7: people's keys come with the rows that they seal, except those on the erasure list."""
    files = tmp_path / "files"
    async with somewhere(postgres_server, tmp_path / "old", files) as old:
        await published(old, gifts=2, seed="a", kinds=MIXED[:1])
        async with somewhere(postgres_server, tmp_path / "new", files, keys_of=tmp_path / "old") as new:
            boxes = await old.admin.fetch(
                "select distinct box ->> 'key_id' as id from ledger_slots, jsonb_array_elements(boxes) as box"
                " where box ->> 'key_id' like 'identity-%' and log = 'books' order by id"
            )
            kept, erased = (box["id"] for box in boxes)
            for path in (new.directory / "keys").glob("subjects.db*"):
                path.unlink()
            keyring = Keyring.open(Settings(data_dir=new.directory))
            keyring.erased.write(Erasure(erased, "identity", 5, "an operator", "2026-12-31"))
            await new.recover()
            assert [keyring.subjects.load(kept) is not None, keyring.subjects.load(erased)] == [True, None]
            keyring.subjects.take_in(Keyring.open(Settings(data_dir=old.directory)).subjects.copies([erased]))
            assert keyring.subjects.load(erased) is not None
            await new.recover()
            assert keyring.subjects.load(erased) is None
