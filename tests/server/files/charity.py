"""A whole small deployment in this process: three logs on a real database, published as files when a test says so."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import asyncpg

from ledger.reader import LogReader
from ledger.types import Companion, LogName
from server.db import Database
from server.domains.giving.commands import ReceiveGift, Visibility
from server.domains.giving.decide import Rules, receive_gift
from server.files.places import place
from server.files.recovery import Recovered, Recovery
from server.instance import Instance
from server.keyring import Keyring
from server.parts import Parts
from server.payments.booking import Booking, Books
from server.payments.companions import INBOX_DONE
from server.payments.pending_fees import sealed
from server.payments.translate import FeeReference
from server.publishing.mix import Mix
from server.publishing.publisher import Publisher
from server.roles import publisher, signer
from server.settings import Settings
from server.tasks import Tasks
from server.vault import FileKeyStore, Subject
from server.wakeups import Wakeups
from tests.support.postgres import SIZES, Server

LOGS: tuple[LogName, ...] = ("books", "audit", "public")
TABLES = (
    "ledger_entries",
    "ledger_batches",
    "ledger_slots",
    "ledger_streams",
    "ledger_stream_entries",
    "ledger_idempotency",
    "ledger_claims",
    "ledger_balances",
    "ledger_rules",
    "ledger_tiles",
    "payments_pending_fees",
    "publishing_anchors",
    "publishing_batches",
    "publishing_effects",
    "publishing_passes",
)


@dataclass
class Place:
    """A data directory and a database, with or without anything in them."""

    directory: Path
    service_url: str
    admin: asyncpg.Connection
    files: Path | str

    def instance(self) -> Instance:
        made = Instance(self.directory)
        made.prepare()
        return made

    @asynccontextmanager
    async def parts(self) -> AsyncIterator[Parts]:
        """The service's parts, as a process has them."""
        instance, database = self.instance(), await Database.open(self.service_url, SIZES)
        settings = Settings(data_dir=self.directory, publish_to=str(self.files), origin="example.org/test/ledger")
        try:
            parts = await Parts.open(settings, database, FileKeyStore(instance.keys), instance, Wakeups(), Tasks())
            yield parts
            await parts.close()
        finally:
            await database.close()

    async def recover(self, files: Path | str | None = None) -> dict[LogName, Recovered]:
        """What `secondwind recover` does to the database and the signers."""
        recovery = Recovery(
            self.admin,
            self.instance(),
            Keyring.open(Settings(data_dir=self.directory)),
            place(str(files or self.files)),
            partition_entries=4096,
        )
        return {log.log: log for log in await recovery.run()}

    async def rows(self) -> dict[str, set[str]]:
        """Every row of every table that a recovery brings back, as text."""
        found = {}
        for table in TABLES:
            columns = "stream, position" if table == "payments_pending_fees" else "t"
            found[table] = {str(row[0]) for row in await self.admin.fetch(f"select ({columns})::text from {table} t")}
        next_ = await self.admin.fetchval("select next from ledger_tracking where projection = 'publisher'")
        waiting = await self.admin.fetch("select w::text from publishing_waiting w")
        return {**found, "publisher": {str(next_), *(row[0] for row in waiting)}}

    async def sizes(self) -> dict[str, int]:
        return {row["log"]: row["size"] for row in await self.admin.fetch("select log, size from ledger_heads")}


@asynccontextmanager
async def somewhere(
    server: Server, directory: Path, files: Path | str, *, keys_of: Path | None = None
) -> AsyncIterator[Place]:
    """An empty place, with the keys of another one."""
    if keys_of is not None:
        for name in ("keys", "safe"):
            shutil.copytree(keys_of / name, directory / name)
    async with server.fresh() as name:
        admin = await asyncpg.connect(server.admin_url(name))
        try:
            yield Place(directory, server.service_url(name), admin, files)
        finally:
            await admin.close()


async def give(
    parts: Parts, name: str, *, visibility: Visibility = "live", fund: str = "rent", amount: int = 2_500
) -> int:
    """Book one gift as the inbox does; its position."""
    vault = parts.vault
    books = Books(parts.writers["books"], parts.readers["books"], vault, parts.identities["books"].origin)
    stream = parts.inbox.stream(f"pi_{name}")
    private = {"provider_objects": {"payment_intent": f"pi_{name}"}, "nonce": name, "giver": {"name": name}}
    command = ReceiveGift(
        amount_minor=amount,
        asset="USD/2",
        fund=fund,
        cover_fees=False,
        visibility=visibility,
        occurred_at_s=1_700_000_000,
        private=private,
    )
    key_id, reference = sealed(vault, FeeReference(payment_intent=f"pi_{name}"))
    owed = {"stream": stream.hex(), "reference": reference.hex(), "reference_key": key_id}
    rules = Rules(funds={"rent": "restricted", "general": "unrestricted"}, assets=frozenset({"USD/2"}), time_zone=UTC)
    booked = await books.book(
        Booking(
            stream=stream,
            subject=Subject(vault.keyed_hash("giver", name)),
            decide=lambda state: receive_gift(state, command, rules, stream),
            companion=Companion(INBOX_DONE, {"key": name.encode().hex(), "outcome": "booked", "fee": owed}),
        )
    )
    return booked.position


async def publish(parts: Parts) -> None:
    """Let the publisher pass, mix and anchor what it may, and the signers sign and publish all of it as files."""
    await publisher._anchors(parts).step()
    telling = publisher._telling(parts)
    mix = Mix(**telling, public_reader=LogReader(parts.database.publisher, "public"), random=os.urandom)
    for step in (Publisher(**telling).step, mix.step):
        while await step():
            pass
    for log in LOGS:
        one = signer.signer(parts, log)
        await one.start()
        while await one.step():
            pass
