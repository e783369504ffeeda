"""What the public side reads it reads as a role that can read nothing else."""

from __future__ import annotations

import asyncpg
import pytest

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
