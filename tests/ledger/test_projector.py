"""Projections count each entry once, and stop alone at one that they cannot apply."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

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
    """Attacks E13: the position row is locked for the whole step."""
    async with born_log(database.writer) as log:
        projectors = [Projector(database.publisher, Counting()) for _ in range(4)]
        for projector in projectors:
            await projector.start()
        for _ in range(30):
            await log.give()
        await asyncio.gather(*(projector.step() for projector in projectors for _ in range(3)))
        assert await counted(database) == (await log.reader.existing_head()).size


async def test_a_poison_entry_stops_its_projection_loudly_at_its_position(database: Database) -> None:
    """Attacks E13: that projection alone, and it says where."""
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


class Unlucky(Counting):
    """Meets a database that cannot do it now, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def apply(self, connection: Any, entries: Sequence[StoredEntry]) -> None:
        if self.times:
            self.times -= 1
            await connection.execute("do $$begin raise exception 'no space left' using errcode = 'disk_full'; end$$")
        await super().apply(connection, entries)


async def test_a_database_that_cannot_do_it_now_stops_no_projection(database: Database) -> None:
    async with born_log(database.writer) as log:
        projector = Projector(database.publisher, Unlucky(times=3))
        await projector.start()
        for _ in range(3):
            with pytest.raises(asyncpg.DiskFullError):
                await projector.step()
        size = (await log.reader.existing_head()).size
        assert await projector.step() == size
        assert await counted(database) == size


async def test_an_entry_that_only_one_rival_cannot_apply_does_not_stop_the_others_place(database: Database) -> None:
    """The one that fails says so under the row's lock: never about a position that was passed meanwhile."""
    async with born_log(database.writer) as log:
        position = (await log.give()).first
        bad, good = Projector(database.publisher, Counting(poison=position)), Projector(database.publisher, Counting())
        await good.start()
        await asyncio.gather(*(projector.step() for _ in range(20) for projector in (bad, good)))
        row = await database.publisher.fetchrow(
            "select next, failed from ledger_tracking where projection = 'counting'"
        )
        assert row is not None
        assert (row["next"] == position) == (row["failed"] is not None)
        assert await counted(database) == row["next"]
