"""An entry as bookkeepers see it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import facts


@pytest.mark.parametrize(
    ("day", "period", "expected"),
    [
        ("2026-09-30", "2026-09", "2026-09-30"),
        ("2026-10-01", "2026-09", "2026-09-30"),
        ("2024-03-05", "2024-02", "2024-02-29"),
        ("2026-08-31", "2026-09", "2026-09-01"),
    ],
)
def test_a_day_outside_its_month_is_the_nearest_day_of_the_month(day: str, period: str, expected: str) -> None:
    assert facts.day_within(day, period) == expected


@pytest.mark.parametrize(
    ("amount", "asset", "expected"),
    [
        (-10_330, "USD/2", "-103.30"),
        (5, "USD/2", "0.05"),
        (-5, "KWD/3", "-0.005"),
        (7, "JPY", "7"),
        (0, "USD/2", "0.00"),
    ],
)
def test_amounts_are_written_as_people_write_them(amount: int, asset: str, expected: str) -> None:
    assert facts.decimal(amount, asset) == expected


@given(st.integers(-(10**31) + 1, 10**31 - 1), st.integers(0, 12))
def test_no_digit_of_an_amount_is_lost(amount: int, places: int) -> None:
    """C6: no float ever touches it."""
    shown = facts.decimal(amount, f"X/{places}")
    assert int(shown.replace(".", "")) == amount
    assert len(shown.partition(".")[2]) == places


def test_a_fact_holds_what_the_entry_says() -> None:
    entry = (
        b'{"at":"2026-10-02T08:00:00.000000Z","data":{},"log":"l","period":"2026-09","phase":"posted","position":7,'
        b'"postings":[{"account":"assets:cash","amount":"-5","asset":"USD/2","fund":"rent"}],"prev":"","refers_to":[3],'
        b'"type":"a.b.c.v1","v":1}'
    )
    found = facts.fact(entry, b"h" * 32)
    assert (found.position, found.day, found.phase, found.refers_to) == (7, "2026-09-30", "posted", (3,))
    assert found.postings == ((("assets:cash", "USD/2", "rent"), -5),)
