"""Small real logs for tests: a born log with a writer, in a few lines."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from ledger import corrections, genesis, slots
from ledger.batches import BatchKey
from ledger.guards import Guard
from ledger.memory import Accompanied, MemoryStore
from ledger.note import SigningKey
from ledger.reader import LogReader
from ledger.registry import Registry, TypeSpec
from ledger.store import Writer, WriterLimits, create_log
from ledger.types import Appended, Command, Draft, LogName, OwnedPosting, SealedSlots
from server import birth, chart
from server.audit import AUDIT_TYPES
from server.domains.giving.events import BOOKS_TYPES, PUBLIC_TYPES

BASE = "example.org/test"
KEY_SEED = bytes(range(32))
RECOVERY_SEED = bytes(range(32, 64))
BATCH_SEED = bytes(range(64, 96))
ASSETS = ("JPY", "KWD/3", "USD/2")
HELD = TypeSpec("test.room.held.v1", {}, "some", (), "may")
SPENT = TypeSpec("test.money.spent.v1", {}, "some", (), "none", ("spendable",))
CORRECTED = TypeSpec("test.entry.corrected.v1", {"reason": corrections.REASON}, "some", (), "must")
GIFT = Guard("gift", ("assets:stripe:pending",), "owner", 1)
"""What no slice has yet: two phases, a decision held to a guard by its own type, corrections, a guard by owner."""


def clock_us() -> int:
    """This machine's µs since 1970."""
    return time.time_ns() // 1000


def origin_of(log: LogName) -> str:
    """The origin that a test's log is born with."""
    return birth.sibling_origin(f"{BASE}/ledger", log)


def key_of(log: LogName) -> SigningKey:
    """The signing key of a test's log."""
    return SigningKey(origin_of(log), KEY_SEED)


def born(log: LogName, *, registry: Registry | None = None) -> genesis.Birth:
    """What a test's log is born with: the service's own charts, types and funds."""
    types = {"audit": AUDIT_TYPES, "books": BOOKS_TYPES, "public": PUBLIC_TYPES}[log]
    guards = {"audit": (), "books": (*chart.BOOKS_GUARDS, GIFT), "public": chart.PUBLIC_GUARDS}[log]
    of_tests = () if log == "audit" else (CORRECTED, HELD, SPENT)
    return genesis.Birth(
        mode="test",
        nonce=bytes(16),
        key=key_of(log).vkey,
        recovery_key=SigningKey(f"{origin_of(log)}/recovery", RECOVERY_SEED).vkey,
        time_zone="UTC",
        registry=registry or Registry((*types, *of_tests), guards),
        accounts=chart.ACCOUNTS[log],
        assets=ASSETS,
        funds=chart.FUNDS,
        policy=birth.default_policy(ASSETS).to_data(),
        policy_from="2026-01",
    )


@dataclass(frozen=True, slots=True)
class TestLog:
    """A born log: its writer runs, its genesis is written."""

    __test__ = False

    pool: asyncpg.Pool
    writer: Writer
    reader: LogReader
    origin: str

    async def give(self, amount: int = 2_500, *, fund: str = "rent", **command: object) -> Appended:
        """Append one gift."""
        return await self.writer.append(Command(drafts=(public_gift(amount, fund=fund),), **command))  # type: ignore[arg-type]  # fields of Command


def make_writer(
    pool: asyncpg.Pool,
    log: LogName,
    *,
    epoch: int = 1,
    clock: Callable[[], int] = clock_us,
    companions: Mapping[str, str] | None = None,
    limits: WriterLimits | None = None,
    on_commit: Callable[[int], None] = lambda _size: None,
) -> Writer:
    """A writer with the tests' batch key."""
    return Writer(
        pool,
        log,
        epoch=epoch,
        batch_key=BatchKey(BATCH_SEED),
        clock=clock,
        companions=companions,
        limits=limits,
        on_commit=on_commit,
    )


@asynccontextmanager
async def born_log(pool: asyncpg.Pool, log: LogName = "public", **options: object) -> AsyncIterator[TestLog]:
    """Create a log, write its genesis, and close its writer at the end."""
    async with pool.acquire() as connection:
        await create_log(connection, log, origin=origin_of(log), mode="test", time_zone="UTC")
    writer = make_writer(pool, log, **options)  # type: ignore[arg-type]  # the options of make_writer
    await writer.start()
    try:
        await writer.append(genesis.command(born(log)))
        yield TestLog(pool, writer, LogReader(pool, log), origin_of(log))
    finally:
        await writer.close()


@asynccontextmanager
async def born_memory(
    log: LogName = "public", *, companions: Mapping[str, Callable[[Accompanied], None]] | None = None
) -> AsyncIterator[MemoryStore]:
    """The same log in memory: no database, no waiting."""
    store = MemoryStore(log, origin=origin_of(log), clock=clock_us, companions=companions)
    await store.start()
    await store.append(genesis.command(born(log)))
    yield store
    await store.close()


def books_gift(amount: int = 2_500, *, fund: str = "rent", owner: bytes = b"g" * 32) -> Draft:
    """A gift as `books` hold it: its postings belong to the gift."""
    postings = (
        OwnedPosting("assets:stripe:pending", "USD/2", fund, amount, owner),
        OwnedPosting("income:gifts:restricted", "USD/2", fund, -amount, owner),
    )
    data = {"via": "processor", "visibility": "live", "fee_borne_by": "giver", "effective_on": "2026-01-31"}
    return Draft("giving.gift.received.v1", data, postings, private=EMPTY_SLOTS)


def public_gift(amount: int = 2_500, *, fund: str = "rent", asset: str = "USD/2") -> Draft:
    """A published gift without slots' contents: the private root is of empty slots."""
    postings = (
        OwnedPosting("assets:cash", asset, fund, amount),
        OwnedPosting("income:gifts", asset, fund, -amount),
    )
    return Draft("giving.gift.received.v1", {"via": "processor"}, postings, private=EMPTY_SLOTS)


def _empty_slots() -> SealedSlots:
    spec = next(spec for spec in PUBLIC_TYPES if spec.name == "giving.gift.received.v1")
    hashes, root = slots.build(spec, {}, [bytes([n]) * 32 for n in range(len(spec.slots))])
    return SealedSlots(root=root, slot_hashes=hashes, boxes=())


EMPTY_SLOTS = _empty_slots()
