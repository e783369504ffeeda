"""Fixtures of the expiry tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.server.expiry.books import Books, on_a_calendar
from tests.support.postgres import Server


@pytest.fixture
async def books(postgres_server: Server) -> AsyncIterator[Books]:
    """A log on a calendar."""
    async with on_a_calendar(postgres_server) as made:
        yield made
