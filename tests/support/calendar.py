"""A real database whose clock a test sets: months pass in it at once.

A schema before `pg_catalog` in the search path holds a `clock_timestamp()` that is off by what a table says. So the
service's own statements believe it; nothing else of them is changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from tests.support.logs import clock_us
from tests.support.postgres import Server

SCHEMA = """
create schema calendar;
create table calendar.skew (skew interval not null);
insert into calendar.skew values ('0');
create function calendar.clock_timestamp() returns timestamptz language sql
    as 'select pg_catalog.clock_timestamp() + skew from calendar.skew';
grant usage on schema calendar to public;
grant select on calendar.skew to public;
"""


@dataclass
class Calendar:
    """`pool` believes the clock that `go_to` sets; `clock_us` tells it to what takes a clock as an argument."""

    pool: asyncpg.Pool
    admin: asyncpg.Connection
    url: str
    skew_us: int = 0

    @asynccontextmanager
    async def pool_as(self, role: str) -> AsyncIterator[asyncpg.Pool]:
        """A pool of `role` that believes the calendar."""
        settings = {"role": role, "search_path": "calendar, pg_catalog, public"}
        pool = await asyncpg.create_pool(self.url, min_size=1, max_size=6, server_settings=settings)
        try:
            yield pool
        finally:
            pool.terminate()

    def clock_us(self) -> int:
        """µs since 1970 on this calendar."""
        return clock_us() + self.skew_us

    async def go_to(self, text: str) -> None:
        """Let it be this moment, such as `2026-03-05T00:00:00`, UTC where nothing else is said."""
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        await self.be_off(int(moment.timestamp()) * 1_000_000 - clock_us())

    async def be_off(self, skew_us: int) -> None:
        """Let it be this far from the true time."""
        self.skew_us = skew_us
        await self.admin.execute("update calendar.skew set skew = $1::bigint * interval '1 microsecond'", self.skew_us)


@asynccontextmanager
async def calendar(server: Server, role: str = "secondwind_writer") -> AsyncIterator[Calendar]:
    """A fresh migrated database with a calendar of its own, and a pool of `role` that believes it."""
    async with server.fresh() as name:
        admin = await asyncpg.connect(server.admin_url(name))
        await admin.execute(SCHEMA)
        made = Calendar(None, admin, server.service_url(name))  # type: ignore[arg-type]  # it makes its own pool
        try:
            async with made.pool_as(role) as made.pool:
                yield made
        finally:
            await admin.close()
