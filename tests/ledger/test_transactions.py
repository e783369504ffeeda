"""Transactions of one's own: whole or not at all, at READ COMMITTED, and never around the writer."""

from __future__ import annotations

import asyncio

import pytest

from ledger.transactions import refuse_inside, transaction
from ledger.types import Command
from server.db import Database
from tests.support.logs import born_memory, public_gift


async def test_an_error_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await _fails(database)
    assert not await database.writer.fetchval("select count(*) from ledger_tracking where projection = 'x'")


async def _fails(database: Database) -> None:
    async with transaction(database.writer) as connection:
        await connection.execute("insert into ledger_tracking (projection, log) values ('x', 'books')")
        raise ZeroDivisionError


async def test_isolation_is_read_committed_and_said(database: Database) -> None:
    async with transaction(database.writer) as connection:
        assert await connection.fetchval("show transaction_isolation") == "read committed"


async def test_e3_the_mark_is_the_tasks_own_and_goes_with_the_transaction(database: Database) -> None:
    inside, leave = asyncio.Event(), asyncio.Event()

    async def holds() -> None:
        async with transaction(database.writer):
            inside.set()
            await leave.wait()
            with pytest.raises(RuntimeError, match="the writer awaited inside"):
                refuse_inside("the writer")
        refuse_inside("the writer")

    holder = asyncio.create_task(holds())
    await inside.wait()
    refuse_inside("the writer")
    leave.set()
    await holder


async def test_e3_a_task_begun_inside_is_inside_as_well(database: Database) -> None:
    async with born_memory() as store, transaction(database.writer):
        with pytest.raises(RuntimeError, match="commit first"):
            await asyncio.create_task(store.append(Command((public_gift(),))))
