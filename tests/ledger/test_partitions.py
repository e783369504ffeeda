"""Partitions of entries: there before they are needed, made once, guarded like the table they belong to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from ledger.partitions import Partitions
from ledger.store import WriterLimits
from server.db import Database
from tests.support.logs import born_log

Execute = Callable[[str], Awaitable[str]]
SMALL = WriterLimits(partition_entries=256)


async def ranges(database: Database) -> list[tuple[int, int]]:
    query = "select from_position, to_position from ledger_partitions where log = 'public' order by 1"
    return [(row[0], row[1]) for row in await database.writer.fetch(query)]


async def test_two_whole_ones_stand_ahead_and_none_is_left_out(database: Database) -> None:
    partitions = Partitions(database.writer, "public", 256)
    async with database.writer.acquire() as connection:
        await partitions.extend(connection, 300)
        assert await ranges(database) == [(0, 256), (256, 512), (512, 768), (768, 1024)]
        assert partitions.end == 1024
        await partitions.extend(connection, 300)
    assert len(await ranges(database)) == 4


async def test_the_next_ones_are_made_beside_the_appends(database: Database) -> None:
    """Attacks E15: nobody waits for a partition, and two stand ahead."""
    async with born_log(database.writer, limits=SMALL) as log:
        partitions = log.writer._partitions
        inline = 0
        genuine = partitions.extend

        async def counted(connection: asyncpg.pool.PoolConnectionProxy, size: int) -> None:
            nonlocal inline
            inline += connection is log.writer._connection
            await genuine(connection, size)

        partitions.extend = counted  # type: ignore[method-assign]  # seen, not changed
        for _ in range(30):
            await asyncio.gather(*(log.give(1) for _ in range(40)))
            # Partitions this small are passed within milliseconds: no faster than they can be made at all.
            await partitions.close()
        size = (await log.reader.existing_head()).size
        assert size > 1_200
        assert inline == 0
        assert partitions.end - size >= 256


async def test_a_reader_in_the_middle_of_a_long_read_holds_nobody_up(database: Database) -> None:
    partitions = Partitions(database.writer, "public", 256)
    async with (
        born_log(database.writer, limits=SMALL) as log,
        database.reader.acquire() as reader,
        reader.transaction(),
    ):
        await reader.fetch("select position from ledger_entries_public")
        async with asyncio.timeout(3), database.writer.acquire() as connection:
            await partitions.extend(connection, 2_000)
        async with asyncio.timeout(3):
            await asyncio.gather(*(log.give(1) for _ in range(600)))
            await reader.fetch("select count(*) from ledger_entries_public")


async def test_several_processes_at_once_make_each_once(database: Database) -> None:
    async def extend() -> None:
        async with database.writer.acquire() as connection:
            await Partitions(database.writer, "public", 256).extend(connection, 1_000)

    await asyncio.gather(*(extend() for _ in range(6)))
    found = await ranges(database)
    assert [low for low, _ in found] == [high for _, high in [(0, 0), *found[:-1]]]
    assert len(found) == 6


async def test_the_size_may_change_later(database: Database) -> None:
    async with database.writer.acquire() as connection:
        await Partitions(database.writer, "public", 256).extend(connection, 0)
        await Partitions(database.writer, "public", 1024).extend(connection, 0)
    assert await ranges(database) == [(0, 256), (256, 512), (512, 1536), (1536, 2560)]


async def test_a_size_that_would_cut_a_tile_is_refused(database: Database) -> None:
    async with database.writer.acquire() as connection:
        with pytest.raises(asyncpg.PostgresError, match="multiple of 256"):
            await Partitions(database.writer, "public", 300).extend(connection, 0)


@pytest.mark.parametrize(
    "statement",
    [
        "truncate ledger_entries_public_0",
        "delete from ledger_entries_public_0",
        "set session_replication_role = replica; update ledger_entries_public_0 set type = 'x'",
        "set session_replication_role = replica; truncate ledger_entries_public_0",
    ],
)
async def test_a_partition_is_append_only_as_its_table_is(
    database: Database, postgres_admin: Execute, statement: str
) -> None:
    async with born_log(database.writer, limits=SMALL):
        with pytest.raises(asyncpg.PostgresError, match="append-only"):
            await postgres_admin(statement)


async def test_the_service_can_make_partitions_and_no_other_tables(database: Database) -> None:
    async with database.writer.acquire() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("create table mine (a int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("select ledger_refuse_truncate('ledger_heads'::regclass)")
        with pytest.raises(asyncpg.PostgresError, match="unknown log"):
            await connection.execute("select ledger_add_partitions('heads', 0, 256)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.reader.execute("select ledger_add_partitions('public', 0, 256)")
