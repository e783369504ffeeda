"""A small log in a database of its own, and an edge that serves it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.db import Database
from server.public.routes import routes
from tests.server.http.serving import Edge, serving
from tests.server.public.small_log import SmallLog, small_log


@pytest.fixture
async def log(database: Database, tmp_path: Path) -> AsyncIterator[SmallLog]:
    async with small_log(database, tmp_path) as made:
        yield made


@pytest.fixture
async def edge(log: SmallLog) -> AsyncIterator[Edge]:
    async with serving(routes(log.database.reader)) as running:
        yield running
