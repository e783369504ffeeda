"""The world that people are erased from, on a fresh database per test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.db import Database
from tests.server.erasure.world import World, make_world


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    async with make_world(database, tmp_path) as world:
        yield world
