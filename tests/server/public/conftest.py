"""A small log in a database of its own, and an edge that serves it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from server.db import Database
from server.health import Health, database_check
from server.http.page import WebPage
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


@pytest.fixture
async def whole(log: SmallLog, tmp_path: Path) -> AsyncIterator[Edge]:
    """Every area that is served without a login, together."""
    await log.grow(30)
    await log.sign()
    await log.fold()
    registry = CollectorRegistry()
    health = Health(
        version="1",
        checks={"database": database_check(log.database.reader)},
        facts={},
        operator_facts={},
        registry=registry,
    )
    table = [*routes(log.database.reader), *health.routes(), *WebPage(tmp_path / "none").routes()]
    async with serving(table, registry=registry) as running:
        yield running
