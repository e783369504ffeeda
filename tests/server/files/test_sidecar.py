"""The sidecar: what it keeps of the rows beside the entries, when, and what it makes of bytes that are not its own."""

from __future__ import annotations

import asyncio
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import MalformedError
from ledger.types import Claim, Command, Idempotency
from server.db import Database
from server.files import sidecar
from server.files.places import sealed_of
from server.files.sidecar import Row, Rows, Sidecar, decode, encode, path
from server.files.store import DirectoryStore
from server.vault import vault_at
from tests.support.logs import TestLog, born_log, public_gift

EMPTY: dict[str, list[Row]] = {part: [] for part in sidecar.PARTS}


async def kept(log: TestLog, directory: Path, size: int) -> list[Rows]:
    files = sealed_of(DirectoryStore(directory / "files"), "public", vault_at(directory))
    await Sidecar(log.pool, "public", files).keep(0, size)
    return [await sidecar.read(files, "public", first, min(size, first + 256)) for first in range(0, size, 256)]


async def test_it_keeps_every_row_that_stands_beside_an_entry(database: Database, tmp_path: Path) -> None:
    """Attack E7: keys, claims and stream versions, or a redelivered webhook books twice."""
    async with born_log(database.writer) as log:
        born = (await log.reader.existing_head()).size
        command = Command(
            (public_gift(2_500),),
            stream=b"s" * 32,
            idempotency=Idempotency(b"k" * 32, b"r" * 32),
            claims=(Claim("refund", b"c" * 32),),
        )
        await log.writer.append(command)
        await asyncio.gather(*(log.give() for _ in range(300)))
        rows = await kept(log, tmp_path, born + 301)
        assert [(one.first, one.end) for one in rows] == [(0, 256), (256, born + 301)]
        assert rows[0]["streams"] == [{"stream": "\\x" + "73" * 32, "version": 1, "position": born}]
        key = {"key": "\\x" + "6b" * 32, "request_hash": "\\x" + "72" * 32, "first": born, "count": 1}
        assert rows[0]["keys"] == [key]
        assert rows[0]["claims"] == [{"kind": "refund", "key": "\\x" + "63" * 32, "position": born}]
        batches = [*rows[0]["batches"], *rows[1]["batches"]]
        assert [batch["first"] for batch in batches[1:]] == [batch["last"] + 1 for batch in batches[:-1]]
        assert (batches[0]["first"], batches[-1]["last"]) == (0, born + 300)


async def test_a_bundles_rows_grow_with_it_and_partial_ones_go(database: Database, tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "files")
    async with born_log(database.writer) as log:
        keeper = Sidecar(log.pool, "public", sealed_of(store, "public", vault_at(tmp_path)))
        for first, end in ((0, 5), (0, 6), (0, 256), (256, 300)):
            await keeper.keep(first, end)
        place = store.path / "sealed" / "public" / "sidecar"
        found = sorted(file.relative_to(place).as_posix() for file in place.rglob("*") if file.is_file())
        assert found == ["000", "000.p/5", "000.p/6", "001.p/44"]
        await keeper.forget(4 * 256, 5 * 256)
        found = sorted(file.relative_to(place).as_posix() for file in place.rglob("*") if file.is_file())
        assert found == ["000", "001.p/44"]


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    files = sealed_of(DirectoryStore(tmp_path / "files"), "books", vault_at(tmp_path))
    with pytest.raises(LookupError, match=r"sidecar/001\.p/44"):
        await sidecar.read(files, "books", 256, 300)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_sidecar_are_malformed(data: bytes) -> None:
    for given_ in (data, zlib.compress(data), zlib.compress(data + b"\n" + data)):
        with pytest.raises(MalformedError, match=path(0, 5)):
            decode("books", 0, 5, given_)


def test_rows_of_another_range_or_log_are_malformed() -> None:
    data = encode("books", 256, 300, EMPTY)
    assert decode("books", 256, 300, data).parts == EMPTY
    for log, first, end in (("audit", 256, 300), ("books", 256, 301), ("books", 0, 44)):
        with pytest.raises(MalformedError, match="of another range"):
            decode(log, first, end, data)  # type: ignore[arg-type]  # a log's name
    with pytest.raises(MalformedError, match="of another range"):
        decode("books", 256, 300, data + b"x")
    with pytest.raises(MalformedError, match="lacks one of"):
        decode("books", 256, 300, encode("books", 256, 300, {}))
