"""Ending what is pending and past its time. Any number may sweep: the writer lets each entry be resolved once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import sql
from ledger import canonical, phases
from ledger.errors import Refused
from ledger.types import Appended, Command

if TYPE_CHECKING:
    import asyncpg

    from ledger.reader import LogReader

POLL_INTERVAL_S = 5.0
DUE_PER_STEP_MAX = 256

_QUERIES = sql.load("expiry")
_log = logging.getLogger(__name__)


class Appender(Protocol):
    """The writer of the log."""

    async def append(self, command: Command) -> Appended:
        """Append as `ledger.store.Writer` does."""


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Posts `expired` for entries of one log whose `expires_at` is over. `pool` reads `expiry_pending`."""

    pool: asyncpg.Pool
    reader: LogReader
    writer: Appender

    async def step(self) -> int:
        """End what is due, at most DUE_PER_STEP_MAX; return how many entries this ended.

        One that was resolved meanwhile, here or elsewhere, is refused by the writer's own claim and is no error; the
        index forgets it soon. Raises ledger.errors.Unavailable.
        """
        ended = 0
        for row in await self.pool.fetch(_QUERIES.due, DUE_PER_STEP_MAX):
            stored = (await self.reader.entries(row["position"], 1))[0]
            try:
                done = await self.writer.append(Command((phases.expiry(canonical.parse_entry(stored.bytes)),)))
            except Refused as refused:
                _log.info("%s: %d is not ended now: %s", self.reader.log, stored.position, refused)
            else:
                _log.info("%s: %d expired, at %d", self.reader.log, stored.position, done.first)
                ended += 1
        return ended
