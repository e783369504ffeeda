"""Rows that are not those of the entries they are kept for, as only a holder of the vault's key could write them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import MalformedError
from server.errors import StartRefused
from server.files.places import sealed_of
from server.files.replay import data_of
from server.files.sidecar import decode, encode
from server.files.store import DirectoryStore
from server.keyring import Keyring
from server.settings import Settings
from server.vault import Vault
from tests.server.files.charity import give, publish, somewhere
from tests.support.postgres import Server

Parts = dict[str, list[dict[str, Any]]]


def drop(part: str) -> Callable[[Parts], None]:
    return lambda parts: parts[part].pop()


def change(part: str, **members: Any) -> Callable[[Parts], None]:
    return lambda parts: parts[part][-1].update(members)


def exchange_slots(parts: Parts) -> None:
    one, other = parts["slots"][-2:]
    one["boxes"], other["boxes"] = other["boxes"], one["boxes"]


CHANGES: dict[str, Callable[[Parts], None]] = {
    "no batch signature is kept for position": drop("batches"),
    "is not signed by the writer's key": change("batches", signature="\\x" + "00" * 64),
    "is not signed by the writer's key.": change("batches", epoch=9),
    "is not whole": lambda parts: parts["batches"][-1].update(last=parts["batches"][-1]["last"] + 1),
    "the slots that are kept for position": drop("slots"),
    "are not those of the entry": change("slots", slot_hashes="\\x" + "00" * 256),
    "does not open: it was changed or moved": exchange_slots,
    "the keys of people that are kept at 0 are none": lambda parts: parts["people"].append({"id": "x", "wrapped": "?"}),
    "is not bytes in hexadecimal": change("streams", stream="stream"),
}


async def test_rows_that_are_not_the_entries_own_are_refused(postgres_server: Server, tmp_path: Path) -> None:
    """Attacks A5, E7: a sidecar brings back what was written, and no more than that."""
    files = tmp_path / "files"
    async with somewhere(postgres_server, tmp_path / "old", files) as old:
        async with old.parts() as parts:
            for name in "abc":
                await give(parts, name)
            await publish(parts)
        size = (await old.sizes())["books"]
        async with somewhere(postgres_server, tmp_path / "new", files, keys_of=tmp_path / "old") as new:
            for number, (says, spoil) in enumerate(CHANGES.items()):
                spoiled = Path(shutil.copytree(files, tmp_path / f"spoiled-{number}"))
                await rewrite(spoiled, Keyring.open(Settings(data_dir=new.directory)).vault(), size, spoil)
                with pytest.raises(StartRefused, match="do not bring the database back") as caught:
                    await new.recover(spoiled)
                assert says.rstrip(".") in str(caught.value)
                assert await new.sizes() == {}
            assert (await new.recover())["books"].size == size


async def rewrite(files: Path, vault: Vault, size: int, spoil: Callable[[Parts], None]) -> None:
    sealed = sealed_of(DirectoryStore(files), "books", vault)
    name = f"sidecar/000.p/{size}"
    held = await sealed.read(name)
    assert held is not None
    parts = dict(decode("books", 0, size, held.data).parts)
    spoil(parts)  # type: ignore[arg-type]  # what JSON gives can be changed
    await sealed.write(name, encode("books", 0, size, parts))


@pytest.mark.parametrize("text", ["", "\\x0", "\\xgg", "00", "\\X00"])
def test_text_that_is_no_bytes_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError, match="not bytes in hexadecimal"):
        data_of(text)
