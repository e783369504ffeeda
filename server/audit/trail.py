"""The trail: appends to the audit log what `events` describes, sealed, before the thing it tells of is handed out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ledger.registry import Registry
from ledger.types import Appended, Command, Draft
from server.audit.events import Record
from server.vault import Vault


class Appender(Protocol):
    """The writer of `audit`."""

    async def append(self, command: Command) -> Appended:
        """Append as `ledger.store.Writer` does."""


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """Writes records. Each is durable when `record` returns: record first, then show, give or change."""

    writer: Appender
    origin: str
    registry: Registry
    vault: Vault

    async def record(self, record: Record) -> int:
        """Append the record; return its position. Raises ledger.errors.LedgerError, and then nothing may be shown."""
        sealed = self.vault.seal_slots(self.origin, self.registry.types[record.type], record.slots)
        draft = Draft(record.type, record.data, private=sealed, refers_to=record.refers_to)
        return (await self.writer.append(Command(drafts=(draft,)))).first
