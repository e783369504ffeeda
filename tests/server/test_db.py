"""Pools by role: what each may do, and what a database must be like to be used at all."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg
import pytest

from server.db import Database, PoolSizes
from server.errors import StartRefused
from tests.support.logs import born_log
from tests.support.postgres import SIZES, Server
from tests.support.proxy import wire

PRIVATE = (
    "ledger_entries_books",
    "ledger_entries",
    "ledger_slots",
    "ledger_slots_public",
    "ledger_streams",
    "payments_inbox",
)


@pytest.mark.parametrize("name", ["writer", "signer", "publisher", "reader"])
async def test_each_pool_is_its_role_and_stays_so(database: Database, name: str) -> None:
    pool: asyncpg.Pool = getattr(database, name)
    for _ in range(2):
        async with pool.acquire() as connection:
            assert await connection.fetchval("select current_user") == f"secondwind_{name}"
            assert await connection.fetchval("show transaction_isolation") == "read committed"
            await connection.execute("reset role")


@pytest.mark.parametrize("table", PRIVATE)
async def test_the_reader_cannot_read_books_nor_what_is_private(database: Database, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.reader.fetch(f"select * from {table}")


@pytest.mark.parametrize(
    ("pool", "statement"),
    [
        ("writer", "update ledger_entries set type = 'x'"),
        ("writer", "delete from ledger_entries"),
        ("writer", "truncate ledger_entries"),
        ("writer", "update ledger_heads set halted = null"),
        ("writer", "update ledger_heads set epoch = epoch + 1"),
        ("writer", "insert into ledger_checkpoints values ('public', 1, sha256(''), 'x', 0)"),
        ("writer", "update ledger_idempotency set first = 0"),
        ("writer", "alter table ledger_entries disable trigger no_change"),
        ("writer", "set session_replication_role = replica"),
        ("publisher", "insert into payments_inbox default values"),
        ("publisher", "delete from ledger_slots"),
        ("signer", "insert into ledger_batches values ('public', 0, 0, 1, '')"),
        ("signer", "update ledger_heads set size = 0"),
        ("signer", "select * from ledger_slots"),
        ("signer", "delete from ledger_checkpoints"),
        ("reader", "insert into ledger_tiles values ('public', 1, 0, '')"),
    ],
)
async def test_no_role_can_do_more_than_its_work(database: Database, pool: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await getattr(database, pool).execute(statement)


async def test_the_signer_may_stop_a_log_and_nobody_of_the_service_starts_it_again(database: Database) -> None:
    async with born_log(database.writer):
        await database.signer.execute("update ledger_heads set halted = 'position 3' where log = 'public'")
        for pool in (database.writer, database.publisher):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await pool.execute("update ledger_heads set halted = null where log = 'public'")


async def test_pools_that_would_take_every_connection_are_refused(postgres_server: Server) -> None:
    async with postgres_server.fresh() as name:
        with pytest.raises(StartRefused, match=r"The pools want 1012 connections.*the database allows"):
            await Database.open(
                postgres_server.service_url(name), PoolSizes(writer=1_000, signer=2, publisher=4, reader=4)
            )
        with pytest.raises(StartRefused, match="Raise max_connections"):
            await Database.open(postgres_server.service_url(name), PoolSizes(), processes=20)


def old(chunk: bytes) -> bytes:
    """The server says that it is Postgres 14."""
    at = chunk.find(b"server_version\0")
    return chunk if at < 0 else chunk[: at + 15] + b"14" + chunk[at + 17 :]


def pooled(chunk: bytes) -> bytes:
    """The connection's cancellation key names a process that is not the server's, as a pooler's own does."""
    at = chunk.find(b"K\0\0\0\x0c")
    return chunk if at < 0 else chunk[: at + 5] + b"\0\0\0\7" + chunk[at + 9 :]


@pytest.mark.parametrize(("says", "sentence"), [(old, "The database is Postgres 14"), (pooled, "connection pooler")])
async def test_what_is_not_a_postgres_of_ones_own_is_refused(
    postgres_server: Server, says: Callable[[bytes], bytes], sentence: str
) -> None:
    """Attacks E15: a transaction pooler would give every statement another session."""
    async with postgres_server.fresh() as name, wire(postgres_server.service_url(name)) as line:
        await (await Database.open(line.url, SIZES)).close()
        line.answers = says
        with pytest.raises(StartRefused, match=sentence):
            await Database.open(line.url, SIZES)
