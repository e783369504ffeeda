"""The publishing policy as data: its floors, its way through the log, and from when it is in force (attacks A7)."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import times
from server.publishing.policy import FLOORS, Changes, FeeFormula, Policy, change

POLICY = Policy({"USD/2": FeeFormula(290, 30)})
STRICT = Policy({"USD/2": FeeFormula(290, 30)}, people_min=20)


def at(month: str, days: int = 10) -> int:
    return times.month_start_us(month, UTC) + days * 86_400_000_000


def written(policy: Policy, month: str) -> dict[str, Any]:
    return dict(change(policy, at(month), UTC).data)


def test_a_fee_formula_rounds_half_up() -> None:
    assert FeeFormula(50, 0).fee_minor(100) == 1
    assert FeeFormula(49, 0).fee_minor(100) == 0
    assert FeeFormula(290, 30).fee_minor(10_330) == 330
    assert FeeFormula(290, 30).fee_minor(7) == 7


def test_a_policy_reads_back_as_it_was_written() -> None:
    assert Policy.from_data(POLICY.to_data()) == POLICY


@pytest.mark.parametrize("people", [4, 0, "11", None])
def test_a_policy_below_the_floor_is_refused(people: object) -> None:
    with pytest.raises(ValueError, match="floor"):
        Policy.from_data({**POLICY.to_data(), "people_min": people})


def test_a_policy_without_formulas_is_refused() -> None:
    with pytest.raises(TypeError, match="one formula per asset"):
        Policy.from_data({"people_min": 11})


@given(st.sampled_from(sorted(FLOORS)), st.integers(0, 10**6))
def test_every_number_of_a_policy_has_a_floor(name: str, below: int) -> None:
    for value in (FLOORS[name] - 1 - below, True, f"{FLOORS[name]}"):
        with pytest.raises(ValueError, match=f"{name} is .* floor is {FLOORS[name]}"):
            Policy.from_data({**POLICY.to_data(), name: value})


def test_a_policy_written_before_the_steps_were_part_of_it_has_the_usual_ones() -> None:
    data = {name: value for name, value in POLICY.to_data().items() if name in {"fees", "gifts", "people_min"}}
    assert Policy.from_data(data) == POLICY


def test_a_change_is_in_force_from_the_next_month_on() -> None:
    changes = Changes.read([written(POLICY, "2026-01"), written(STRICT, "2026-03")])
    assert [changes.in_force(month) for month in ("2025-12", "2026-01", "2026-03", "2026-04", "2027-01")] == [
        POLICY,
        POLICY,
        POLICY,
        STRICT,
        STRICT,
    ]


def test_of_two_changes_in_a_month_the_later_one_counts() -> None:
    changes = Changes.read([written(POLICY, "2026-01"), written(STRICT, "2026-03"), written(POLICY, "2026-03")])
    assert changes.in_force("2026-04") == POLICY


def test_a_log_without_a_policy_publishes_nothing() -> None:
    with pytest.raises(ValueError, match="no publishing policy"):
        Changes.read([])


def test_a_change_below_a_floor_is_refused_before_it_is_written() -> None:
    with pytest.raises(ValueError, match="floor"):
        change(Policy({}, people_min=4), at("2026-01"), UTC)
