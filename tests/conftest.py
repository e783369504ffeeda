"""Fixtures that every test may ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import asyncpg
import pytest

from server.db import Database
from tests.support.postgres import Server, opened, running_server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One real Postgres for the session (one per test process)."""
    with running_server() as server:
        yield server


@pytest.fixture
async def database(postgres_server: Server) -> AsyncIterator[Database]:
    """A fresh, migrated database with the service's pools open."""
    async with opened(postgres_server) as database:
        yield database


@pytest.fixture
async def postgres_admin(postgres_server: Server, database: Database) -> AsyncIterator[Callable[[str], Awaitable[str]]]:
    """Executes statements on the test's database as its owner, on a connection of its own."""
    name = await database.writer.fetchval("select current_database()")
    connection = await asyncpg.connect(postgres_server.admin_url(name))
    try:
        yield connection.execute
    finally:
        await connection.close()
