"""What `public` tells of and how far the publisher had come: before files are published, and after a recovery."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ledger.errors import MalformedError
from ledger.signer_state import Behind
from server.db import Database
from server.files import publisher
from server.files.publisher import Foundation
from server.files.store import DirectoryStore
from tests.server.files.charity import give, publish, somewhere
from tests.support.postgres import Server


async def test_public_waits_for_the_files_of_what_it_tells_of(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack E7: a recovered `public` ahead of `books` would tell a gift twice when its notice is sent again."""
    monkeypatch.setattr(publisher, "WAIT_TIMEOUT_S", 0.2)
    books = DirectoryStore(tmp_path)
    foundation = Foundation(database.writer, books)
    await foundation.wait()
    await database.writer.execute("update ledger_tracking set next = 5 where projection = 'publisher'")
    with pytest.raises(Behind, match="of 5 entries of books 0 are published"):
        await foundation.wait()
    await books.write("checkpoint", b"origin\n4\nroot\n")
    with pytest.raises(Behind, match="of 5 entries of books 4 are published"):
        await foundation.wait()
    monkeypatch.setattr(publisher, "WAIT_TIMEOUT_S", 60.0)
    waiting = asyncio.create_task(foundation.wait())
    await books.write("checkpoint", b"origin\n6\nroot\n")
    await waiting


async def test_the_publisher_goes_on_behind_what_it_has_told(postgres_server: Server, tmp_path: Path) -> None:
    async with somewhere(postgres_server, tmp_path / "old", tmp_path / "files") as old:
        async with old.parts() as parts:
            at = [await give(parts, "a"), await give(parts, "b", visibility="quiet"), await give(parts, "c")]
            await give(parts, "d", visibility="hidden")
            await publish(parts)
        rows = await old.admin.fetch(
            "select leaf_hash from ledger_entries where log = 'books' and position = any($1)", at
        )
        hashes = [row["leaf_hash"] for row in rows]
        before = await old.admin.fetchval("select next from ledger_tracking where projection = 'publisher'")
        await old.admin.execute("update ledger_tracking set next = 0 where projection = 'publisher'")
        await old.admin.execute("delete from publishing_waiting")
        await publisher.carry_on(old.admin, [hashes[0], hashes[2]])
        found = await old.admin.fetch("select position from publishing_waiting")
        assert [row["position"] for row in found] == [at[1]]
        assert await old.admin.fetchval("select next from ledger_tracking where projection = 'publisher'") == at[2] + 1
        assert before == at[2] + 2
        await publisher.carry_on(old.admin, hashes[:1])
        assert await old.admin.fetchval("select next from ledger_tracking where projection = 'publisher'") == at[2] + 1
        with pytest.raises(MalformedError, match="public tells of an entry that books does not have"):
            await publisher.carry_on(old.admin, [bytes(32)])
        async with old.parts() as parts:
            sizes = await old.sizes()
            await publish(parts)
        assert (await old.sizes())["public"] == sizes["public"]
        assert await old.admin.fetchval("select count(*) from publishing_waiting") == 2
