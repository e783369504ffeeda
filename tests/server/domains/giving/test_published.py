"""The types of `public`: what their schemas alone already refuse (attacks A7, A12, B5, B11)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ledger.errors import EntryError
from ledger.registry import Registry
from ledger.schema import TEXT_MAX
from server import chart
from server.birth import registry
from server.domains.giving import published

ROOT = "A" * 43 + "="
SUMS = {
    published.GIFT_BATCH_RECEIVED: "payers_min",
    published.REVERSALS_SETTLED: "payers_min",
    published.HELP_POOLED: "people_min",
}


@pytest.mark.parametrize(("name", "floor"), SUMS.items())
def test_a_sum_of_several_peoples_money_names_a_floor_of_five_at_least(name: str, floor: str) -> None:
    types = Registry(published.TYPES, chart.PUBLIC_GUARDS)
    types.check_data(name, {"lines": ROOT, floor: 5})
    for people in (4, 0, -1):
        with pytest.raises(EntryError, match=floor):
            types.check_data(name, {"lines": ROOT, floor: people})


@pytest.mark.parametrize("name", [*SUMS, published.FEES_SETTLED])
def test_a_sum_has_no_private_half_and_no_place_for_a_count_or_a_reason(name: str) -> None:
    """Attacks B11: nothing single is public, nor how many it was, nor why."""
    spec = next(spec for spec in published.TYPES if spec.name == name)
    assert spec.slots == ()
    assert set(spec.data) <= {"lines", "payers_min", "people_min"}


@pytest.mark.parametrize("log", ["public", "books"])
def test_the_vocabulary_of_a_new_log_fits_into_its_entry_with_room_to_grow(log: str) -> None:
    assert len(registry(log).to_text()) < TEXT_MAX * 3 // 4  # type: ignore[arg-type]  # the parameter is a log


def test_each_type_is_declared_once() -> None:
    names = sorted(spec.name for spec in published.TYPES)
    assert all(one != other for one, other in pairwise(names))
