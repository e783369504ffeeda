"""Projections: folds of one log into tables. Effect and progress are saved together, so each entry counts once.

An entry that a projection cannot apply stops that projection alone, loudly, at that position (attacks E13). A database
that is away, full or busy says nothing about an entry: that passes through, to be tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import asyncpg

import sql
from ledger.outages import is_away
from ledger.transactions import transaction
from ledger.types import LogName, StoredEntry

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

ENTRIES_PER_STEP_MAX = 512
REASON_LEN_MAX = 300

_QUERIES = sql.load("ledger")
_log = logging.getLogger(__name__)


class Projection(Protocol):
    """One read model. `name` is for ever: it keys the tracking position. `tables` are all that it writes."""

    name: str
    log: LogName
    tables: tuple[str, ...]

    async def apply(self, connection: PoolConnectionProxy, entries: Sequence[StoredEntry]) -> None:
        """Apply entries in order of position, on the step's own transaction. Unknown types are passed over."""


class Projector:
    """Drives one projection. Any number may run for the same one: the tracking row's lock makes them take turns."""

    def __init__(self, pool: asyncpg.Pool, projection: Projection) -> None:
        self._pool = pool
        self._projection = projection

    async def start(self) -> None:
        """Make the tracking row of a projection that has never run."""
        await self._pool.execute(_QUERIES.start_tracking, self._projection.name, self._projection.log)

    async def step(self) -> int:
        """Apply what is new; return how many entries were applied (0: nothing new, or stopped)."""
        try:
            async with transaction(self._pool) as connection:
                return await self._apply(connection, ENTRIES_PER_STEP_MAX)
        except Exception as error:
            if is_away(error):
                raise
            return await self._step_alone()

    async def _apply(self, connection: PoolConnectionProxy, limit: int) -> int:
        tracking = await connection.fetchrow(_QUERIES.tracking, self._projection.name)
        if tracking is None or tracking["failed"] is not None:
            return 0
        start = tracking["next"]
        rows = await connection.fetch(_QUERIES.entries, self._projection.log, start, limit)
        if rows:
            await self._projection.apply(connection, [StoredEntry(*row) for row in rows])
            await connection.execute(_QUERIES.advance_tracking, self._projection.name, start + len(rows))
        return len(rows)

    async def _step_alone(self) -> int:
        """Apply one entry. If that is the one that cannot be, stop here and say why, still under the row's lock."""
        name = self._projection.name
        async with transaction(self._pool) as connection:
            await connection.fetchrow(_QUERIES.tracking, name)
            try:
                async with connection.transaction():
                    return await self._apply(connection, 1)
            except Exception as error:
                if is_away(error):
                    raise
                _log.exception("projection %s stopped", name)
                reason = f"{type(error).__name__}: {error}"[:REASON_LEN_MAX]
                await connection.execute(_QUERIES.fail_tracking, name, reason)
                return 0
