"""What `public` tells of and how far the publisher had come: before files are published, and after a recovery."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
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


async def test_the_publisher_does_again_what_its_appends_had_done(postgres_server: Server, tmp_path: Path) -> None:
    """What is told is told once; what it passed without telling waits again."""
    async with somewhere(postgres_server, tmp_path / "old", tmp_path / "files") as old:
        async with old.parts() as parts:
            await give(parts, "a", visibility="quiet")
            await publish(parts)
            at = [await give(parts, "b", visibility="hidden"), await give(parts, "c"), await give(parts, "d")]
            await publish(parts)
        before = await old.rows()
        effects = [
            {"position": row["position"], "kind": row["kind"], "payload": orjson.loads(row["payload"])}
            for row in await old.admin.fetch("select * from publishing_effects order by position")
        ]
        assert [effect["payload"]["to"] for effect in effects] == [at[2] + 1]
        await old.admin.execute("update ledger_tracking set next = 0 where projection = 'publisher'")
        await old.admin.execute("delete from publishing_waiting")
        await publisher.carry_on(old.admin, effects)
        assert await old.rows() == before
        with pytest.raises(MalformedError, match="what the publisher had done does not fit: publisher was overtaken"):
            await publisher.carry_on(old.admin, effects)
        effects[0]["payload"]["to"] += 1
        with pytest.raises(MalformedError, match=f"public tells of position {at[2] + 1} of books"):
            await publisher.carry_on(old.admin, effects)
