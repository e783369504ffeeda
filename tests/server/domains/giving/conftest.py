"""The world that gifts come from, on a fresh database per test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.db import Database
from tests.server.payments.world import World, make_world


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    async with make_world(database, tmp_path) as world:
        yield world
