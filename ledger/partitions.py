"""Range partitions of a log's entries: made ahead, so that nobody waits for one (attacks E15).

The writer never plans past `end`; should it arrive there after all, it makes the next ones itself and goes on.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import asyncpg

import sql
from ledger.outages import AWAY, reason
from ledger.types import LogName

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

_QUERIES = sql.load("ledger")
_log = logging.getLogger(__name__)


class PartitionsMissing(Exception):
    """A batch would pass the last partition; `size` is where it would end."""

    def __init__(self, size: int) -> None:
        super().__init__(f"no partition takes entries up to {size}")
        self.size = size


class Partitions:
    """Partitions of one log. `entries` is how many entries a new one takes, a multiple of 256."""

    def __init__(self, pool: asyncpg.Pool, log: LogName, entries: int) -> None:
        self.end = 0
        self._pool = pool
        self._log = log
        self._entries = entries
        self._task: asyncio.Task[None] | None = None

    async def extend(self, connection: PoolConnectionProxy, size: int) -> None:
        """Make partitions until two whole ones stand ahead of `size`; several processes at once make each once."""
        await connection.execute(_QUERIES.add_partitions, self._log, size, self._entries)
        self.end = await connection.fetchval(_QUERIES.partitions_end, self._log)

    def keep_ahead(self, size: int) -> None:
        """Begin to make the next ones, beside the appends, once less than a whole one is left ahead of `size`."""
        if size + self._entries > self.end and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._extend(size), name=f"partitions of {self._log}")

    async def close(self) -> None:
        """Wait for what was begun."""
        if self._task is not None:
            await self._task

    async def _extend(self, size: int) -> None:
        try:
            async with self._pool.acquire() as connection:
                await self.extend(connection, size)
        except (*AWAY, asyncpg.PostgresError) as error:
            # The next commit tries again, and the writer does it itself before it would pass the end.
            _log.warning("%s: partitions ahead of %d could not be made yet (%s)", self._log, size, reason(error))
