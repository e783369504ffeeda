"""The closer: appends `ledger.period.closed.v1` for each month that is due, in order, in every log.

It states the trial balance that it has read; the writer holds that against its own under the lock, so that a posting
which came between is no wrong close but a refused one, and the closer reads again (design/ledger.md 3).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import sql
from ledger import times
from ledger.declared import CLOSED, Declared
from ledger.errors import InvalidCommand
from ledger.grammar import encode_base64
from ledger.postings import balances_hash
from ledger.sums import sums_after
from ledger.types import Appended, Command, Draft
from server.closing import months

if TYPE_CHECKING:
    import asyncpg

    from ledger.reader import LogReader

POLL_INTERVAL_S = 600.0

_QUERIES = sql.load("ledger")
_log = logging.getLogger(__name__)


class Appender(Protocol):
    """The writer of the log."""

    async def append(self, command: Command) -> Appended:
        """Append as `ledger.store.Writer` does."""


async def always(_month: str) -> bool:
    """Nothing has to be told before a month closes."""
    return True


@dataclass(frozen=True, slots=True)
class Closer:
    """Closes the months of one log. `clock` gives µs since 1970.

    `is_told` says whether all that is told of a month is told; it is waited for as long as `months.waits`.
    """

    pool: asyncpg.Pool
    reader: LogReader
    writer: Appender
    clock: Callable[[], int]
    is_told: Callable[[str], Awaitable[bool]] = always

    async def step(self) -> int:
        """Close the oldest month that is due; 0 when none is, or when somebody appended meanwhile: ask again later."""
        log = self.reader.log
        declared = await self.reader.declared()
        month = months.due(declared.closed, await self._first_month(declared), self.clock(), declared.time_zone)
        if month is None:
            return 0
        if not await self.is_told(month):
            if months.waits(month, self.clock(), declared.time_zone):
                return 0
            _log.warning("%s of %s is closed before all of it is told; the rest takes the month after", month, log)
        draft = Draft(CLOSED, await self._close(declared, month), period=month)
        try:
            closed = await self.writer.append(Command((draft,)))
        except InvalidCommand as error:
            _log.info("%s of %s is not closed yet: %s", month, log, error)
            return 0
        _log.info("%s of %s is closed at %d", month, log, closed.first)
        return 1

    async def _first_month(self, declared: Declared) -> str:
        first = (await self.reader.entries(0, 1))[0]
        return times.month(first.at_us, declared.time_zone)

    async def _close(self, declared: Declared, month: str) -> dict[str, object]:
        before = times.month_before(month)
        async with (
            self.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            sums = await sums_after(connection, self.reader.log, before, declared.time_zone)
        return {
            "balances": encode_base64(balances_hash(sums.through(month))),
            "registry": encode_base64(declared.registry.sha256()),
        }
