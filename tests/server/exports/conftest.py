"""One log in a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from server.db import Database
from tests.server.exports.made import Exported, exported
from tests.support.postgres import Server


@pytest.fixture
async def log(postgres_server: Server, database: Database, tmp_path: Path) -> AsyncIterator[Exported]:
    """The log, read by the role that serves the public and may read nothing else."""
    name = await database.reader.fetchval("select current_database()")
    admin = await asyncpg.connect(postgres_server.admin_url(name))
    try:
        yield await exported(database.reader, admin, tmp_path)
    finally:
        await admin.close()
