"""The charity that the publishing tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.publishing.world import World, charity
from tests.support.postgres import Server


@pytest.fixture
async def world(postgres_server: Server, tmp_path: Path) -> AsyncIterator[World]:
    """A charity on the tenth of January 2026."""
    async with charity(postgres_server, tmp_path) as made:
        yield made
