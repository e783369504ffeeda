"""The way of a gift as the composition root builds it, on a real Postgres: what the tests of gifts act on."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from ledger import canonical, genesis
from ledger.batches import BatchKey
from ledger.genesis import Birth
from ledger.note import SigningKey
from ledger.projector import Projector
from ledger.reader import LogReader
from ledger.registry import Registry
from ledger.store import Writer, WriterLimits, create_log
from ledger.types import Appended, Command, Entry
from server import chart
from server.db import Database
from server.domains.giving.events import BOOKS_TYPES
from server.domains.giving.projections import GiftsProjection
from server.payments import notices
from server.payments.booking import Books
from server.payments.companions import COMPANIONS
from server.payments.declared import DeclaredRules
from server.payments.fees import FeeWorker
from server.payments.inbox import Inbox
from server.payments.leases import LoopLimits
from server.payments.models import BalanceTransaction
from server.payments.pending_fees import PendingFees
from server.payments.translate import FeeReference
from server.payments.worker import InboxWorker
from server.vault import Vault, vault_at
from server.wakeups import Wakeups

ORIGIN = "test.example/books"
PARTITION_ENTRIES = 4096
LIMITS = LoopLimits(in_flight_max=64, lease_s=30.0, work_timeout_s=20.0, poll_s=0.2)


@dataclass
class ScriptedProvider:
    """Answers what the test put there; raises what the test put there."""

    answers: dict[str, BalanceTransaction | Exception | None] = field(default_factory=dict)
    asked: list[FeeReference] = field(default_factory=list)

    def knows(self, charge: str, movement: Mapping[str, Any]) -> None:
        self.answers[charge] = BalanceTransaction.model_validate(movement)

    async def balance_transaction(self, reference: FeeReference) -> BalanceTransaction | None:
        self.asked.append(reference)
        answer = self.answers.get(str(reference.charge))
        if isinstance(answer, Exception):
            raise answer
        return answer


class InterruptedWriter:
    """The real writer, with a hand on its arm: `before` and `after` run around each append and may raise."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.before: Any = None
        self.after: Any = None

    async def append(self, command: Command) -> Appended:
        if self.before is not None:
            await self.before(command)
        appended = await self.writer.append(command)
        if self.after is not None:
            await self.after(appended)
        return appended


@dataclass
class World:
    """Every part, wired; helpers that say what a test wants to know."""

    pool: asyncpg.Pool
    vault: Vault
    wakeups: Wakeups
    writer: InterruptedWriter
    reader: LogReader
    inbox: Inbox
    fees: PendingFees
    books: Books
    rules: DeclaredRules
    provider: ScriptedProvider
    projector: Projector

    def worker(self, name: str = "worker-1", **limits: Any) -> InboxWorker:
        return InboxWorker(
            name, self.inbox, self.books, self.rules, self.fees, limits=dataclasses.replace(LIMITS, **limits)
        )

    def fee_worker(self, name: str = "fees-1") -> FeeWorker:
        return FeeWorker(name, self.fees, self.books, self.provider, self.rules.rules.time_zone)

    async def deliver(self, *bodies: bytes) -> None:
        for body in bodies:
            await self.inbox.file(body, notices.read(body))

    async def work(self) -> None:
        await self.worker().run_once()

    async def entries(self, prefix: str = "giving.") -> list[Entry]:
        stored = await self.reader.entries(0)
        return [canonical.parse_entry(entry.bytes) for entry in stored if entry.type.startswith(prefix)]

    async def states(self) -> dict[str, tuple[str, str | None]]:
        """What became of each event type's newest row: state and outcome."""
        rows = await self.pool.fetch("select type, state, outcome from payments_inbox order by arrival")
        return {row["type"]: (row["state"], row["outcome"]) for row in rows}

    async def make_due(self) -> None:
        """Let every pause and lease run out, without waiting for it."""
        await self.pool.execute("update payments_inbox set due_at = now(), claimed_until = now()")
        await self.pool.execute("update payments_pending_fees set due_at = now(), claimed_until = now()")

    async def project(self) -> list[asyncpg.Record]:
        while await self.projector.step():
            pass
        return list(await self.pool.fetch("select * from giving_gifts order by position"))


def clock_us() -> int:
    return time.time_ns() // 1000


@contextlib.asynccontextmanager
async def make_world(
    database: Database, directory: Path, assets: tuple[str, ...] = ("JPY", "KWD/3", "USD/2")
) -> AsyncIterator[World]:
    """Build the world on an empty, migrated database, with no more rights than the service has."""
    pool = database.writer
    reader = LogReader(pool, "books")
    async with pool.acquire() as connection:
        await create_log(connection, "books", origin=ORIGIN, mode="test", time_zone="America/Los_Angeles")
    writer = Writer(
        pool,
        "books",
        epoch=1,
        batch_key=BatchKey(os.urandom(32)),
        clock=clock_us,
        companions=COMPANIONS,
        limits=WriterLimits(partition_entries=PARTITION_ENTRIES),
    )
    await writer.start()
    await writer.append(genesis.command(_birth(assets)))
    vault, wakeups = vault_at(directory), Wakeups()
    interrupted = InterruptedWriter(writer)
    projector = Projector(pool, GiftsProjection())
    await projector.start()
    yield World(
        pool=pool,
        vault=vault,
        wakeups=wakeups,
        writer=interrupted,
        reader=reader,
        inbox=Inbox(pool, vault, wakeups),
        fees=PendingFees(pool, vault, wakeups),
        books=Books(interrupted, reader, vault, ORIGIN),
        rules=DeclaredRules(pool, ZoneInfo("America/Los_Angeles")),
        provider=ScriptedProvider(),
        projector=projector,
    )
    await writer.close()


def _birth(assets: tuple[str, ...]) -> Birth:
    return Birth(
        mode="test",
        nonce=os.urandom(genesis.NONCE_BYTES),
        key=SigningKey(ORIGIN, os.urandom(32)).vkey,
        recovery_key=SigningKey(f"{ORIGIN}/recovery", os.urandom(32)).vkey,
        time_zone="America/Los_Angeles",
        registry=Registry(BOOKS_TYPES, chart.BOOKS_GUARDS),
        accounts=chart.BOOKS_ACCOUNTS,
        assets=assets,
        funds=chart.FUNDS,
        policy={"gifts": "live"},
        policy_from="2025-01",
    )
