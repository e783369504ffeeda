"""The audit log's words: what stands in the bytes, what is a slot, and that the registry holds all of it."""

from __future__ import annotations

from datetime import date

import pytest

from ledger.registry import Registry
from server.audit import events
from server.audit.events import AUDIT_TYPES, Record

REGISTRY = Registry(AUDIT_TYPES)
RECORDS = [
    events.opening_given(log="books", position=7, slots=["note", "giver"], actor="ada", recipient="court"),
    events.export_given(log="audit", start=0, end=9, actor="ada", recipient="auditor"),
    events.erasure_requested(group="identity", subject="c2Vj", actor="ada", reason="asked by letter"),
    events.erasure_approved(group="audit", request=3, actor="bob"),
    events.erasure_completed(
        group="identity", request=3, entries=2, root=bytes(32), gone_by=date(2026, 12, 26), actor="ada"
    ),
    events.read(what="auditor-tiles", actor="eve", target="/auditor/books"),
    events.changed(what="publishing-policy", actor="ada", target=4, reason="board"),
    events.refused(what="opening", actor="eve", target=4),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.type)
def test_each_record_is_one_the_registry_knows(record: Record) -> None:
    spec = REGISTRY.types[record.type]
    assert REGISTRY.check_data(record.type, record.data)
    assert record.slots.keys() <= {slot.name for slot in spec.slots}
    assert bool(record.refers_to) == (spec.refers == "must")


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.type)
def test_nobody_and_nothing_particular_is_named_in_the_bytes(record: Record) -> None:
    """Attacks D6: leaves of `audit` are permanent too."""
    assert not {"ada", "bob", "eve", "court", "auditor", "c2Vj"} & {str(value) for value in record.data.values()}


def test_every_type_has_a_record_that_is_built_here() -> None:
    assert {record.type for record in RECORDS} == {spec.name for spec in AUDIT_TYPES}
