"""Logs that givers' gifts come into, on a real database, and an eraser on keys of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ledger.reader import LogReader
from ledger.registry import Registry
from ledger.types import Command
from server.audit import AUDIT_TYPES, AuditTrail
from server.db import Database
from server.domains.giving.events import BOOKS_TYPES
from server.erasure.eraser import Eraser, Sealed
from server.erasure.trail import ErasureTrail
from server.keyring import Keyring
from server.settings import Settings
from server.vault import Subject, Vault
from server.vault.subjects import HeldKey
from tests.support.logs import TestLog, books_gift, born_log, clock_us, origin_of

HOUR_US = 3_600_000_000


@dataclass
class World:
    """`ahead_us` moves the eraser's clock; `forgotten` is what the slices were told to forget."""

    database: Database
    books: TestLog
    keyring: Keyring
    vault: Vault
    trail: ErasureTrail
    ahead_us: int = 0
    forgotten: list[Sealed] = field(default_factory=list)

    @property
    def eraser(self) -> Eraser:
        """A process's own eraser."""
        return Eraser(
            self.database.writer,
            self.keyring.subjects,
            self.keyring.erased,
            self.trail,
            lambda: clock_us() + self.ahead_us,
            (self._forget,),
        )

    async def give(self, name: str, gifts: int = 1) -> list[int]:
        """Let somebody give; return the positions in `books`."""
        holder = await self.vault.hold(Subject(self.vault.keyed_hash("subject", name)))
        positions = []
        for _ in range(gifts):
            slots = {"giver": {"name": name}, "note": f"from {name}", "request": {"event": "evt_1"}}
            sealed = self.vault.seal_slots(origin_of("books"), BOOKS_TYPES[0], slots, holder)
            draft = replace(books_gift(), private=sealed)
            positions.append((await self.books.writer.append(Command(drafts=(draft,)))).first)
        return positions

    async def keys(self, name: str) -> tuple[HeldKey, HeldKey]:
        """Somebody's identity and audit key."""
        held = self.keyring.subjects.find(self.vault.keyed_hash("subject", name))
        by_group = {key.group: key for key in held}
        return by_group["identity"], by_group["audit"]

    async def opened(self, position: int) -> dict[str, Any]:
        """What opens of an entry of `books`."""
        sealed = (await self.books.reader.slots([position]))[position]
        return self.vault.open_slots(origin_of("books"), BOOKS_TYPES[0], sealed, sealed.root)

    async def told(self, type_name: str) -> int:
        """How many entries of a type the audit log has."""
        query = "select count(*) from ledger_entries where log = 'audit' and type = $1"
        return int(await self.database.writer.fetchval(query, type_name))

    async def _forget(self, entries: Any) -> None:
        self.forgotten += entries


@asynccontextmanager
async def make_world(database: Database, directory: Path) -> AsyncIterator[World]:
    """Build it on an empty, migrated database, with no more rights than the service has."""
    keyring = Keyring.open(Settings(data_dir=directory))
    vault = keyring.vault()
    pool = database.writer
    async with born_log(pool, "books") as books, born_log(pool, "audit") as audit:
        audit_trail = AuditTrail(audit.writer, origin_of("audit"), Registry(AUDIT_TYPES), vault)
        trail = ErasureTrail(pool, audit_trail, LogReader(pool, "audit"))
        yield World(database, books, keyring, vault, trail)
    keyring.subjects.close()
