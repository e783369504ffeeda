"""A charity in one database: `books` and `public` as they are born, a vault, and a calendar that a test turns."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sql
from ledger import canonical
from ledger.reader import LogReader
from ledger.store import Writer
from ledger.types import Command, Draft, Entry, OwnedPosting
from ledger.verify import EntryChecker
from server import birth
from server.publishing.companions import COMPANIONS
from server.publishing.mix import Mix
from server.publishing.passes import MonthlyPasses
from server.publishing.publisher import Publisher
from server.publishing.telling import Appender
from server.vault import Vault
from server.vault.vault import vault_at
from tests.support.calendar import Calendar, calendar
from tests.support.logs import TestLog, born_log, make_writer, origin_of
from tests.support.postgres import Server

QUERIES = sql.load("publishing")
UTC = ZoneInfo("UTC")


@dataclass
class World:
    """What a test needs of the charity."""

    year: Calendar
    books: TestLog
    public: TestLog
    vault: Vault
    telling: dict[str, Any]

    def publisher(self, public: Appender | None = None) -> Publisher:
        """The publisher; `public` may stand in for the writer, to crash it."""
        return Publisher(**{**self.telling, "public": public or self.public.writer})

    def passes(self, public: Appender | None = None) -> MonthlyPasses:
        """The monthly passes; `public` as above."""
        return MonthlyPasses(**{**self.telling, "public": public or self.public.writer}, **self._reading())

    def mix(self, public: Appender | None = None) -> Mix:
        """The mix; `public` as above."""
        return Mix(**{**self.telling, "public": public or self.public.writer}, **self._reading())

    def _reading(self) -> dict[str, Any]:
        return {"public_reader": self.public.reader, "random": os.urandom}

    async def pass_months(self) -> int:
        """Make every monthly pass that is due; how many were made."""
        await self.publish()
        count = 0
        while await self.passes().step():
            count += 1
        return count

    async def publish(self) -> None:
        """Pass everything that `books` holds."""
        publisher = self.publisher()
        while await publisher.step():
            pass

    async def book(
        self, name: str, postings: Sequence[OwnedPosting], private: Mapping[str, object], **fields: Any
    ) -> int:
        """Append one entry to `books`; `fields` are the draft's and its data's. Returns its position."""
        spec = birth.registry("books").types[name]
        sealed = self.vault.seal_slots(self.books.origin, spec, private)
        kept = {key: fields.pop(key) for key in ("refers_to", "period") if key in fields}
        data = {"effective_on": "2026-01-31", **fields}
        draft = Draft(name, data, tuple(postings), private=sealed, **kept)
        return (await self.books.writer.append(Command((draft,)))).first

    async def give(self, amount: int, who: str | None = None, *, fund: str = "rent", **data: Any) -> int:
        """Book a gift of `who`, who is known by an address. Returns its position in `books`."""
        income = "income:gifts:unrestricted" if fund == "general" else "income:gifts:restricted"
        postings = move("assets:stripe:pending", income, amount, fund)
        given = {"via": "processor", "visibility": "live", "fee_borne_by": "giver", **data}
        contact = {"contact": {"email": f"{who}@example.org"}} if who else {}
        return await self.book("giving.gift.received.v1", postings, {"nonce": "seen", **contact}, **given)

    async def fee(self, gift: int, amount: int, *, fund: str = "rent", by: str = "giver") -> int:
        """Book what the provider kept of a gift."""
        postings = move("expenses:fees:processing", "assets:stripe:pending", amount, fund)
        return await self.book("giving.fee.recorded.v1", postings, {}, borne_by=by, refers_to=(gift,))

    async def told(self, prefix: str = "giving.") -> list[Entry]:
        """The entries of `public` whose type begins so."""
        entries = [canonical.parse_entry(stored.bytes) for stored in await self.public.reader.entries(0)]
        return [entry for entry in entries if entry.type.startswith(prefix)]

    async def help(self, who: str, amount: int, *, category: str = "rent", vendor: str = "v", **fields: Any) -> int:
        """Book help that was paid for `who` out of the float. Returns its position in `books`."""
        postings = move(f"expenses:help:{category}", "assets:float:help", amount)
        private = {"person": {"id": who}, "vendor": {"slug": vendor, "name": vendor}}
        return await self.book("giving.help.paid.v1", postings, private, **fields)

    async def waiting(self) -> list[tuple[int, str]]:
        """(position in `books`, what it waits for) of all that waits."""
        rows = await self.year.admin.fetch("select position, kind from publishing_waiting order by position")
        return [(row["position"], row["kind"]) for row in rows]

    async def verified(self) -> EntryChecker:
        """Hold `public` to every rule of the ledger; the checker at its end."""
        checker = EntryChecker(origin_of("public"), "public")
        for stored in await self.public.reader.entries(0):
            checker.check(stored.position, stored.bytes)
        return checker


def move(debit: str, credit: str, amount: int, fund: str = "rent", asset: str = "USD/2") -> tuple[OwnedPosting, ...]:
    """`amount` from `credit` to `debit`."""
    return (OwnedPosting(debit, asset, fund, amount), OwnedPosting(credit, asset, fund, -amount))


def sums(entry: Entry) -> dict[tuple[str, str], int]:
    """What an entry posts, by account and fund."""
    return {(p.account, p.fund): p.amount for p in entry.postings}


@asynccontextmanager
async def charity(server: Server, directory: Path, day: str = "2026-01-10T00:00:10") -> AsyncIterator[World]:
    """A charity born on that day."""
    async with AsyncExitStack() as stack:
        year = await stack.enter_async_context(calendar(server))
        await year.go_to(day)
        books = await stack.enter_async_context(born_log(year.pool, "books", clock=year.clock_us))
        born = await stack.enter_async_context(born_log(year.pool, "public", clock=year.clock_us))
        publishing = await stack.enter_async_context(year.pool_as("secondwind_publisher"))
        writer: Writer = make_writer(publishing, "public", clock=year.clock_us, companions=COMPANIONS)
        await writer.start()
        stack.push_async_callback(writer.close)
        vault = vault_at(directory)
        telling = {
            "pool": publishing,
            "queries": QUERIES,
            "books": LogReader(publishing, "books"),
            "books_origin": books.origin,
            "books_registry": birth.registry("books"),
            "public": writer,
            "public_origin": born.origin,
            "public_registry": birth.registry("public"),
            "time_zone": UTC,
            "vault": vault,
            "clock": year.clock_us,
        }
        public = TestLog(publishing, writer, LogReader(publishing, "public"), born.origin)
        yield World(year, books, public, vault, telling)
