"""What is answered together is read together, as a role that can read nothing else."""

from __future__ import annotations

import asyncpg
import pytest

from server.public.reads import PublicReads
from tests.server.http.serving import Edge
from tests.server.public.small_log import SmallLog


async def test_the_public_side_cannot_read_what_is_not_public(log: SmallLog) -> None:
    for table in (
        "ledger_entries_books",
        "ledger_entries",
        "ledger_heads",
        "ledger_slots_public",
        "payments_inbox",
        "giving_gifts",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await log.database.reader.fetch(f"select * from {table}")
    for change in (
        "delete from ledger_checkpoints_public",
        "insert into ledger_tiles_public values ('public', 1, 0, '')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await log.database.reader.execute(change)


async def test_a_proof_is_read_from_one_snapshot_while_the_log_grows(log: SmallLog) -> None:
    await log.grow(255)
    await log.sign()
    reads = PublicReads(log.database.reader)
    async with (
        log.database.reader.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        before = await connection.fetchval("select max(size) from ledger_checkpoints_public")
        await log.grow(300)
        await log.sign()
        assert await connection.fetchval("select max(size) from ledger_checkpoints_public") == before == 255
    attempt = await reads.prove(254)
    assert attempt.text is not None
    assert "\n300\n" in attempt.text


async def test_a_checkpoint_ahead_of_the_entries_held_is_not_used(log: SmallLog, edge: Edge) -> None:
    await log.grow(40)
    await log.sign()
    await log.insert_checkpoint(999, bytes(32), "ahead")
    assert b"\n40\n" in (await edge.get("/ledger/checkpoint")).body
    assert b"\n40\n" in (await edge.get("/api/v1/ledger/proof/39")).body
