"""The types that giving writes, as the registry of a log takes them."""

from __future__ import annotations

import pytest

from ledger.guards import Guard
from ledger.registry import Registry, TypeSpec
from ledger.slots import SLOT_COUNTS
from ledger.types import OwnedPosting
from server import chart
from server.domains.giving import events

ALL = [*events.BOOKS_TYPES, *events.PUBLIC_TYPES]


@pytest.mark.parametrize(
    ("types", "guards"), [(events.BOOKS_TYPES, chart.BOOKS_GUARDS), (events.PUBLIC_TYPES, chart.PUBLIC_GUARDS)]
)
def test_a_registry_takes_them_and_reads_back_the_same(types: tuple[TypeSpec, ...], guards: tuple[Guard, ...]) -> None:
    text = Registry(types, guards).to_text()
    assert Registry.parse(text).to_text() == text
    assert len(text.encode()) < 12_000, "one entry must hold the registry with room to grow"


@pytest.mark.parametrize("spec", [spec for spec in ALL if spec.slots], ids=lambda spec: spec.name)
def test_slot_0_is_the_givers_nonce_and_every_type_has_a_fixed_number_of_slots(spec: TypeSpec) -> None:
    assert spec.slots[0].name == "nonce"
    assert spec.slots[0].group == "identity"
    assert len(spec.slots) in SLOT_COUNTS


def test_what_the_law_lets_us_erase_is_apart_from_what_must_be_kept() -> None:
    groups = {slot.name: slot.group for slot in events.BOOKS_TYPES[0].slots}
    assert {name for name, group in groups.items() if group == "identity"} == {
        "nonce",
        "giver",
        "contact",
        "method",
        "note",
    }


def test_nothing_that_names_a_giver_is_in_the_public_data() -> None:
    assert set(events.PUBLIC_TYPES[0].data) == {"via"}


def test_owners_name_the_settled_postings_by_index() -> None:
    owner = b"\x01" * 32
    postings = (
        OwnedPosting("income:gifts:restricted", "USD/2", "rent", -100, owner),
        OwnedPosting("assets:stripe:pending", "USD/2", "rent", 100, owner),
    )
    encoded = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
    assert events.owners(postings) == [[0, encoded, "100"], [1, encoded, "-100"]]
