"""The trail on a real log: durable when it returns, sealed, opened only by the vault."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger import canonical
from ledger.errors import EntryError
from ledger.reader import LogReader
from ledger.registry import Registry
from server.audit import AUDIT_TYPES, AuditTrail, Record, events
from server.db import Database
from server.vault import vault_at
from tests.support.logs import born_log, origin_of

REGISTRY = Registry(AUDIT_TYPES)


async def test_what_was_given_to_whom_is_sealed_and_can_be_opened_again(database: Database, tmp_path: Path) -> None:
    vault = vault_at(tmp_path)
    async with born_log(database.writer, "audit") as log:
        trail = AuditTrail(log.writer, origin_of("audit"), REGISTRY, vault)
        position = await trail.record(
            events.opening_given(log="books", position=7, slots=["giver"], actor="ada", recipient="court")
        )
        reader = LogReader(database.writer, "audit")
        stored = (await reader.entries(position, 1))[0]
        sealed = (await reader.slots([position]))[position]
    assert canonical.parse_entry(stored.bytes).data == {"log": "books"}
    assert b"court" not in stored.bytes
    opened = vault.open_slots(origin_of("audit"), REGISTRY.types[stored.type], sealed, sealed.root)
    assert opened["recipient"] == "court"
    assert opened["target"] == {"position": 7, "slots": ["giver"]}


async def test_a_record_with_a_slot_that_no_type_has_is_refused_and_nothing_is_written(
    database: Database, tmp_path: Path
) -> None:
    async with born_log(database.writer, "audit") as log:
        trail = AuditTrail(log.writer, origin_of("audit"), REGISTRY, vault_at(tmp_path))
        before = await LogReader(database.writer, "audit").existing_head()
        with pytest.raises(EntryError, match="whom"):
            await trail.record(Record(events.READ, {"what": "x"}, {"whom": "eve"}))
        assert (await LogReader(database.writer, "audit").existing_head()).size == before.size
