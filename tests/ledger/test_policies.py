"""Policies that every reader judges: floors, and from when a change holds; over whole logs: the shared vectors."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings

from ledger.errors import EntryError
from ledger.policies import PEOPLE_FLOOR, Policies
from tests.support.hostile import hostile_text

FIRST = Policies().changed("2026-01", '{"people_min":11}', "2026-09")


def test_a_logs_first_policy_may_begin_at_any_time() -> None:
    FIRST.check(11, "2026-09")


@pytest.mark.parametrize("first_month", ["2026-08", "2026-09"])
def test_rules_are_not_lowered_for_what_is_collected_already(first_month: str) -> None:
    """A7: a policy of this month, or of a month that is over."""
    with pytest.raises(EntryError, match="later month"):
        FIRST.changed(first_month, '{"people_min":5}', "2026-09")


def test_a_change_holds_from_its_month_on_and_in_a_late_entry_the_laxer_policy_counts() -> None:
    both = FIRST.changed("2026-10", '{"people_min":7}', "2026-09")
    both.check(11, "2026-09")
    both.check(7, "2026-10")
    both.check(7, "2026-09", "2026-10")
    for number, month in ((10, "2026-09"), (6, "2026-10")):
        with pytest.raises(EntryError, match="policy-invalid"):
            both.check(number, month)


def test_the_smallest_number_of_a_policy_is_what_it_allows() -> None:
    policies = Policies().changed("2026-01", '{"help":[{"people_min":11},{"gifts":{"people_min":6}}]}', "2026-01")
    policies.check(6, "2026-02")
    with pytest.raises(EntryError, match="at least 6"):
        policies.check(5, "2026-02")


def test_without_a_policy_the_floor_holds() -> None:
    for policies in (Policies(), Policies().changed("2026-01", '{"gift":"live"}', "2026-01")):
        policies.check(PEOPLE_FLOOR, "2026-01")
        with pytest.raises(EntryError, match="at least 5"):
            policies.check(PEOPLE_FLOOR - 1, "2026-01")


@settings(max_examples=300, deadline=None)
@given(hostile_text([b'{"help":[{"people_min":11}],"people_min":6}']))
def test_whatever_text_a_policy_is_it_undercuts_no_floor(text: str) -> None:
    with contextlib.suppress(EntryError):
        policies = Policies().changed("2026-01", text, "2026-01")
        assert all(number >= PEOPLE_FLOOR for _, number in policies.told)
