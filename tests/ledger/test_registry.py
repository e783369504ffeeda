"""The registry: what it knows is what its text says, and its text is one entry of the log."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import canonical
from ledger.errors import EntryError
from ledger.guards import Guard
from ledger.registry import LEDGER_TYPES, Registry, TypeSpec
from ledger.slots import SlotSpec
from tests.vectors import logs

GOOD = logs.REGISTRY.to_text()


def test_a_registry_reads_back_to_the_same_types_guards_and_text() -> None:
    again = Registry.parse(GOOD)
    assert again.to_text() == GOOD
    assert again.types == logs.REGISTRY.types
    assert again.guards == logs.REGISTRY.guards
    assert again.sha256() == sha256(GOOD.encode()).digest()


def test_the_ledgers_own_types_are_in_every_registry() -> None:
    assert Registry().types == {spec.name: spec for spec in LEDGER_TYPES}
    assert len(LEDGER_TYPES) == 12
    assert Registry(LEDGER_TYPES).types == Registry().types


def test_a_registry_of_the_ledgers_own_types_is_small_enough_to_leave_room() -> None:
    assert len(Registry().to_text()) < 2_500


def test_one_name_has_one_meaning() -> None:
    with pytest.raises(EntryError, match="given twice"):
        Registry([logs.GIFT, replace(logs.GIFT, refers="may")])
    with pytest.raises(EntryError, match="given twice"):
        Registry([TypeSpec("ledger.log.opened.v1")])


def test_guards_are_written_with_their_accounts_in_order() -> None:
    registry = Registry([], [Guard("g", ("liabilities:x", "assets:cash"), "fund", 1)])
    assert Registry.parse(registry.to_text()).guards["g"].accounts == ("assets:cash", "liabilities:x")


@pytest.mark.parametrize(
    "spec",
    [
        TypeSpec("gift.received.v1"),
        TypeSpec("a.b.c.v0"),
        TypeSpec("a.b.c.v1", postings="any"),  # type: ignore[arg-type]  # what a careless caller might say
        TypeSpec("a.b.c.v1", refers="maybe"),  # type: ignore[arg-type]  # as above
        TypeSpec("a.b.c.v1", slots=(SlotSpec("s", "audit"),)),
        TypeSpec("a.b.c.v1", slots=tuple(SlotSpec("s", "audit") for _ in range(8))),
        TypeSpec("a.b.c.v1", slots=tuple(SlotSpec(f"S{i}", "audit") for i in range(8))),
        TypeSpec("a.b.c.v1", slots=tuple(SlotSpec(f"s{i}", "all") for i in range(8))),  # type: ignore[arg-type]  # as above
        TypeSpec("a.b.c.v1", {"X": {"is": "slug"}}),
        TypeSpec("a.b.c.v1", {"x": {"is": "text", "max": 5}}),
    ],
)
def test_a_type_that_breaks_a_rule_is_refused(spec: TypeSpec) -> None:
    with pytest.raises(EntryError) as caught:
        Registry([spec])
    assert caught.value.code == "registry-invalid"


def test_data_fits_its_type_or_is_told_where_not() -> None:
    registry = logs.REGISTRY
    assert registry.check_data(logs.FIELDS.name, logs.FIELD_VALUES)
    assert registry.check_data("later.thing.happened.v1", {"any": "thing"}) is False
    for data, said in (
        ({}, "lacks data.via"),
        ({"via": "bank", "more": 1}, "has no data.more"),
        ({"via": "cash"}, "data.via may not be 'cash'"),
    ):
        with pytest.raises(EntryError, match=said) as caught:
            registry.check_data(logs.GIFT.name, data)
        assert caught.value.code == "data-invalid"


@given(st.text(max_size=60))
def test_no_text_raises_anything_but_an_entry_error(text: str) -> None:
    with pytest.raises(EntryError) as caught:
        Registry.parse(text)
    assert caught.value.code == "registry-invalid"


@given(
    st.recursive(
        st.integers(-3, 3) | st.text("ab.", max_size=3),
        lambda x: st.lists(x, max_size=2) | st.dictionaries(st.text("ab_.", min_size=1, max_size=3), x, max_size=2),
    )
)
def test_no_json_in_a_type_or_guard_raises_anything_but_an_entry_error(value: Any) -> None:
    for document in (
        value,
        {"guards": value, "types": {}},
        {"guards": {}, "types": value},
        {"guards": {"g": value}, "types": {}},
        {"guards": {}, "types": {"a.b.c.v1": value}},
        {"guards": {}, "types": {"a.b.c.v1": {"data": value, "postings": value, "refers": value, "slots": value}}},
        {"guards": {}, "types": {"a.b.c.v1": {"data": {}, "postings": value, "refers": "none", "slots": []}}},
        {"guards": {}, "types": {"a.b.c.v1": {"data": {}, "postings": "none", "refers": value, "slots": [value]}}},
    ):
        with pytest.raises(EntryError) as caught:
            Registry.parse(canonical.encode(document, dotted_keys=True).decode())
        assert caught.value.code == "registry-invalid"
