"""`books` with what is pending in it, on a calendar of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ledger.projector import Projector
from ledger.types import Command, Draft, Entry, OwnedPosting
from ledger.verify import EntryChecker
from server.expiry.projection import PendingProjection
from server.expiry.sweeper import Sweeper
from tests.support.calendar import Calendar, calendar
from tests.support.logs import HELD, TestLog, born_log, origin_of
from tests.support.postgres import Server

HOUR_US = 3_600_000_000


@dataclass
class Books:
    """`books` on a calendar, with the index of what is pending and a sweeper."""

    time: Calendar
    log: TestLog
    projector: Projector
    sweeper: Sweeper

    async def hold(self, amount: int, expires_at_us: int) -> int:
        draft = Draft(HELD.name, {}, moved(amount), phase="pending", expires_at_us=expires_at_us)
        return (await self.log.writer.append(Command((draft,)))).first

    async def follow(self) -> None:
        while await self.projector.step():
            pass

    async def pending(self) -> list[int]:
        rows = await self.time.pool.fetch("select position from expiry_pending order by position")
        return [row["position"] for row in rows]

    async def ended(self) -> list[Entry]:
        """Entries that ended another, every entry held against the verifier's rules."""
        checker = EntryChecker(origin_of("books"), "books")
        entries = [checker.check(stored.position, stored.bytes) for stored in await self.log.reader.entries(0)]
        return [entry for entry in entries if entry.phase == "expired"]

    async def held(self) -> int:
        query = "select coalesce(sum(balance), 0)::int from ledger_balances where account = 'assets:float:help'"
        return int(await self.time.pool.fetchval(query))


def moved(amount: int) -> tuple[OwnedPosting, OwnedPosting]:
    """Money of the fund `rent`, set aside."""
    return (
        OwnedPosting("assets:float:help", "USD/2", "rent", amount),
        OwnedPosting("assets:bank", "USD/2", "rent", -amount),
    )


@asynccontextmanager
async def on_a_calendar(server: Server) -> AsyncIterator[Books]:
    """Born on the fifth of March 2026."""
    async with calendar(server) as time:
        await time.go_to("2026-03-05T00:00:00")
        async with born_log(time.pool, "books", clock=time.clock_us) as log:
            projector = Projector(time.pool, PendingProjection())
            await projector.start()
            yield Books(time, log, projector, Sweeper(time.pool, log.reader, log.writer))
