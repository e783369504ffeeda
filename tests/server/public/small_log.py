"""A small real `public` log for tests, written and signed by the code that does it in service."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger import genesis
from ledger.batches import BatchKey
from ledger.note import SigningKey
from ledger.projector import Projector
from ledger.signer import Signer
from ledger.signer_state import PublishDirectory, StateFile
from ledger.store import Writer, WriterLimits, create_log
from ledger.types import Command, Draft, OwnedPosting, SealedSlots
from server import birth, chart
from server.db import Database
from server.public.projection import ListsProjection

ORIGIN = "ledger.example.org/ledger"
KEY = SigningKey(ORIGIN, bytes(range(32)))
RECOVERY = SigningKey(f"{ORIGIN}/recovery", bytes(range(32, 64)))
DRAFTS_PER_COMMAND_MAX = 100
ASSET = "USD/2"
LIMITS = WriterLimits(partition_entries=256)
"""So small that a log of a few hundred entries spans several partitions."""


@dataclass
class SmallLog:
    """The log and the pools. `size` is how many entries were appended."""

    database: Database
    writer: Writer
    signer: Signer
    size: int = 0

    async def begin(self) -> None:
        """Append the genesis."""
        born = genesis.Birth(
            mode="test",
            nonce=bytes(16),
            key=KEY.vkey,
            recovery_key=RECOVERY.vkey,
            time_zone="UTC",
            registry=birth.registry("public"),
            accounts=chart.PUBLIC_ACCOUNTS,
            assets=(ASSET,),
            funds=chart.FUNDS,
            policy=birth.default_policy((ASSET,)).to_data(),
            policy_from="2026-01",
        )
        self._appended((await self.writer.append(genesis.command(born))).count)

    async def grow(self, size: int) -> None:
        """Append gifts of 10.00, with 0.59 of accrued fee, until there are `size` entries."""
        if self.size == 0:
            await self.begin()
        while self.size < size:
            count = min(DRAFTS_PER_COMMAND_MAX, size - self.size)
            drafts = tuple(gift(self.size + i) for i in range(count))
            self._appended((await self.writer.append(Command(drafts))).count)

    async def sign(self) -> None:
        """Sign everything there is."""
        while await self.signer.step():
            pass

    async def fold(self) -> None:
        """Bring the lists up to date."""
        projector = Projector(self.database.writer, ListsProjection())
        await projector.start()
        while await projector.step():
            pass

    async def append(self, *drafts: Draft) -> None:
        """Append these, in this order."""
        self._appended((await self.writer.append(Command(drafts))).count)

    async def insert_checkpoint(self, size: int, root_hash: bytes, note: str) -> None:
        """Put a checkpoint into the database beside the signer."""
        statement = (
            "insert into ledger_checkpoints (log, size, root_hash, note, signed_at_us) values ('public', $1, $2, $3, 0)"
        )
        await self.database.signer.execute(statement, size, root_hash, note)

    def _appended(self, count: int) -> None:
        self.size += count


def gift(number: int, fund: str = "rent", amount: int = 1000, fee: int = 59) -> Draft:
    """A published gift."""
    root = number.to_bytes(32, "big")
    postings = (
        OwnedPosting("assets:cash", ASSET, fund, amount),
        OwnedPosting("income:gifts", ASSET, fund, -amount),
        OwnedPosting("expenses:processing", ASSET, fund, fee),
        OwnedPosting("liabilities:accrued_fees", ASSET, fund, -fee),
    )
    return Draft("giving.gift.received.v1", {"via": "processor"}, postings, private=SealedSlots(root, bytes(256), ()))


@asynccontextmanager
async def small_log(database: Database, directory: Path) -> AsyncIterator[SmallLog]:
    """An empty log in this fresh database, ready to grow."""
    async with database.writer.acquire() as connection:
        await create_log(connection, "public", origin=ORIGIN, mode="test", time_zone="UTC")
    batch_key = BatchKey(bytes(range(64, 96)))
    writer = Writer(database.writer, "public", epoch=1, batch_key=batch_key, clock=now_us, limits=LIMITS)
    signer = Signer(
        database.signer,
        "public",
        KEY,
        batch_public_key=batch_key.public,
        state=StateFile(directory / "state"),
        directory=PublishDirectory(directory / "published"),
        clock=now_us,
    )
    await writer.start()
    await signer.start()
    try:
        yield SmallLog(database, writer, signer)
    finally:
        await writer.close()


def now_us() -> int:
    """Microseconds since 1970 by the clock of this machine."""
    return time.time_ns() // 1000
