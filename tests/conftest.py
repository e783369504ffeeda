"""Fixtures that every test may ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

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
