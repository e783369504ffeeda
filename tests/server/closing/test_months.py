"""Which month is due: never early, in order, by the charity's own calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import times
from ledger.verify import OVERDUE_US
from server.closing.months import WAIT_MAX_US, due, waits

DENVER = ZoneInfo("America/Denver")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("closed", "now", "month"),
    [
        ("", "2026-03-31T23:00:00-06:00", None),
        ("", "2026-04-04T23:59:59-06:00", None),
        ("", "2026-04-05T00:00:00-06:00", "2026-03"),
        ("2026-03", "2026-04-30T12:00:00-06:00", None),
        ("2025-12", "2026-04-30T12:00:00-06:00", "2026-01"),
        ("2026-11", "2027-01-05T00:00:00-07:00", "2026-12"),
    ],
)
def test_a_month_is_due_on_the_fifth_day_after_it_on_the_wall_of_the_charity(
    closed: str, now: str, month: str | None
) -> None:
    assert due(closed, "2026-03", at(now), DENVER) == month


@given(st.integers(0, 4_000), st.sampled_from([UTC, DENVER, ZoneInfo("Pacific/Auckland")]))
def test_whoever_closes_what_is_due_is_never_overdue(days: int, zone: ZoneInfo) -> None:
    """Attacks A11: closing everything that is due leaves no month that ended 20 days ago open."""
    now_us = at("2026-01-15T00:00:00+00:00") + days * int(timedelta(days=1).total_seconds()) * 1_000_000
    closed, first = "", "2026-01"
    for _ in range(200):
        month = due(closed, first, now_us, zone)
        if month is None:
            break
        assert month == (times.month_after(closed) if closed else first)
        assert month < times.month(now_us, zone)
        closed = month
    following = times.month_after(closed) if closed else first
    assert following >= times.month(now_us - OVERDUE_US, zone)


def test_a_month_waits_for_ten_days_and_no_longer() -> None:
    """Attacks A11: what is not told by then takes a later month; the month closes in time."""
    over = times.month_start_us("2026-02", UTC)
    assert waits("2026-01", over + WAIT_MAX_US - 1, UTC)
    assert not waits("2026-01", over + WAIT_MAX_US, UTC)
