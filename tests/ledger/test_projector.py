"""Projections count each entry once, and stop alone at one that they cannot apply."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from ledger.projector import Projector
from ledger.types import LogName, StoredEntry
from server.db import Database
from tests.support.logs import born_log


class Counting:
    """Keeps a row per entry, so that a second application would violate its key."""

    name = "counting"
    log: LogName = "public"

    def __init__(self, poison: int | None = None) -> None:
        self.poison = poison

    async def apply(self, connection: Any, entries: Sequence[StoredEntry]) -> None:
        for entry in entries:
            if entry.position == self.poison:
                raise ValueError("cannot be applied")
            await connection.execute("insert into publishing_waiting values ($1, 'quiet', 0)", entry.position)


async def counted(database: Database) -> int:
    return int(await database.publisher.fetchval("select count(*) from publishing_waiting"))


async def test_each_entry_is_applied_once_even_by_rivals(database: Database) -> None:
    async with born_log(database.writer) as log:
        projectors = [Projector(database.publisher, Counting()) for _ in range(4)]
        for projector in projectors:
            await projector.start()
        for _ in range(30):
            await log.give()
        await asyncio.gather(*(projector.step() for projector in projectors for _ in range(3)))
        assert await counted(database) == (await log.reader.existing_head()).size


async def test_a_poison_entry_stops_its_projection_loudly_at_its_position(database: Database) -> None:
    async with born_log(database.writer) as log:
        position = (await log.give()).first
        await log.give()
        projector = Projector(database.publisher, Counting(poison=position))
        await projector.start()
        while await projector.step():
            pass
        row = await database.publisher.fetchrow(
            "select next, failed from ledger_tracking where projection = 'counting'"
        )
        assert row is not None
        assert row["next"] == position
        assert "cannot be applied" in row["failed"]
        assert await counted(database) == position
        assert await projector.step() == 0
