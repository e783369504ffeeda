"""A real Postgres for the whole test session, and a fresh migrated database per test.

The binaries are the embedded ones. fsync is on, as in service: what these tests believe about COMMIT must be true.
Databases are copied from a migrated template, which takes milliseconds.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from server.db import Database, PoolSizes
from server.embedded.postgres import DATABASE, SERVICE, EmbeddedPostgres
from server.migrate import migrate

TEMPLATE = "migrated"
SIZES = PoolSizes(writer=8, signer=2, publisher=3, reader=3)
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Server:
    """The session's server: a template database is ready to be copied."""

    postgres: EmbeddedPostgres

    def admin_url(self, database: str = DATABASE) -> str:
        """URL of the administrator for one database."""
        return self.postgres.admin_url.replace(f"/{DATABASE}?", f"/{database}?")

    def service_url(self, database: str) -> str:
        """URL of the service's login for one database."""
        return self.postgres.service_url.replace(f"/{DATABASE}?", f"/{database}?")

    def fresh(self) -> AbstractAsyncContextManager[str]:
        """The name of a migrated database that nobody else uses; dropped afterwards."""
        return self.copy_of(TEMPLATE)

    @asynccontextmanager
    async def copy_of(self, database: str, *, files: bool = False) -> AsyncIterator[str]:
        """The name of a copy of a database that nobody is connected to; dropped afterwards.

        `files`: copied as files, so that nothing of it is in the server's memory yet.
        """
        name = f"test_{os.getpid()}_{next(_numbers)}"
        admin = await asyncpg.connect(self.admin_url("postgres"))
        try:
            await admin.execute(f"create database {name} template {database}{' strategy file_copy' * files}")
            yield name
            await admin.execute(f"drop database {name} with (force)")
        finally:
            await admin.close()


@contextmanager
def running_server() -> Iterator[Server]:
    """Start the session's server, and stop it at the end."""
    directory = Path(tempfile.mkdtemp(prefix="secondwind-tests-"))
    postgres = EmbeddedPostgres(directory)
    server = Server(postgres)

    async def start() -> None:
        await postgres.start()
        await migrate(server.admin_url(), SERVICE)
        admin = await asyncpg.connect(server.admin_url("postgres"))
        await admin.execute(f"alter database {DATABASE} rename to {TEMPLATE}")
        await admin.close()

    asyncio.run(start())
    try:
        yield server
    finally:
        asyncio.run(postgres.stop())
        shutil.rmtree(directory, ignore_errors=True)


@asynccontextmanager
async def opened(server: Server) -> AsyncIterator[Database]:
    """A fresh database with the service's pools open."""
    async with server.fresh() as name:
        database = await Database.open(server.service_url(name), SIZES)
        try:
            yield database
        finally:
            await database.close()
