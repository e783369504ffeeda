"""Times and months."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import canonical, times
from ledger.errors import EntryError
from tests.ledger.made import AT_US_MAX

DENVER = times.zone("America/Denver")


@given(st.integers(0, AT_US_MAX))
def test_a_time_reads_back_in_27_characters(at_us: int) -> None:
    text = times.format_at(at_us)
    assert len(text) == 27
    assert times.parse_at(text) == at_us
    expected = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
    assert text == expected.strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27)


def test_canonical_offers_the_same_two_functions() -> None:
    assert (canonical.format_at, canonical.parse_at) == (times.format_at, times.parse_at)


@pytest.mark.parametrize("at_us", [-1, AT_US_MAX + 1, 10**30])
def test_a_time_that_no_entry_can_bear_is_refused(at_us: int) -> None:
    with pytest.raises(EntryError, match="1970"):
        times.format_at(at_us)


@given(st.text(max_size=30))
def test_no_text_raises_anything_but_an_entry_error(text: str) -> None:
    with pytest.raises(EntryError):
        times.parse_at(text)
    times.is_date(text)


@given(st.dates(date(1, 1, 1), date(9999, 12, 31)))
def test_days_of_the_calendar_are_dates(day: date) -> None:
    assert times.is_date(day.isoformat())


@pytest.mark.parametrize(
    "text", ["2026-02-29", "2026-2-1", "20260201", "2026-W01-1", "0000-01-01", "2026-01-01 ", "\u0662026-01-01"]
)
def test_other_texts_are_not(text: str) -> None:
    assert not times.is_date(text)


@pytest.mark.parametrize(
    ("at", "month"),
    [
        ("2026-10-01T05:59:59.999999Z", "2026-09"),
        ("2026-10-01T06:00:00.000000Z", "2026-10"),
        ("2027-01-01T06:59:59.999999Z", "2026-12"),
        ("2027-01-01T07:00:00.000000Z", "2027-01"),
        ("9999-12-30T23:59:59.999999Z", "9999-12"),
    ],
)
def test_a_month_turns_at_midnight_of_the_charity_in_summer_and_winter(at: str, month: str) -> None:
    assert times.month(times.parse_at(at), DENVER) == month


def test_every_time_has_a_month_in_every_zone() -> None:
    assert times.month(AT_US_MAX, times.zone("Pacific/Kiritimati")) == "9999-12"
    assert times.month(0, times.zone("America/Adak")) == "1969-12"


def test_the_month_after() -> None:
    assert [times.month_after(m) for m in ("2026-10", "2026-12", "2026-11")] == ["2026-11", "2027-01", "2026-12"]


def test_the_month_before() -> None:
    assert [times.month_before(m) for m in ("2026-10", "2026-01", "0001-01")] == ["2026-09", "2025-12", "0000-12"]


@pytest.mark.parametrize("name", ["", "Denver", "../UTC", "/etc/localtime", "America", "a\x00b", "x" * 1000])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(EntryError) as caught:
        times.zone(name)
    assert caught.value.code == "genesis-invalid"
