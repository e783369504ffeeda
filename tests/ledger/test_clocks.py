"""When clocks disagree too much for anything to be written or signed (attacks E12)."""

from __future__ import annotations

import pytest

from ledger.clocks import CLOCK_SKEW_US_MAX, LAST_AT_AHEAD_US_MAX, skew_us, why_not, why_not_yet

NOW_US = 1_785_000_000_000_000


@pytest.mark.parametrize(
    ("earliest", "latest", "skew"),
    [(0, 0, 0), (-5, 5, 0), (3, 9, 3), (-9, -3, -3), (-60_000_000, 60_000_000, 0)],
)
def test_a_slow_answer_is_no_wrong_clock(earliest: int, latest: int, skew: int) -> None:
    assert skew_us(NOW_US + earliest, NOW_US, NOW_US + latest) == skew


@pytest.mark.parametrize("sign", [1, -1])
def test_two_seconds_are_allowed_either_way_and_no_more(sign: int) -> None:
    most = NOW_US + sign * CLOCK_SKEW_US_MAX
    assert why_not(most, NOW_US, most) is None
    beyond = most + sign
    assert why_not(beyond, NOW_US, beyond) == (
        f"this machine is {sign * 2.0:+.1f} s off the database's clock; set one of them right"
    )


def test_the_newest_entry_may_be_five_seconds_ahead_and_no_more() -> None:
    assert why_not_yet(NOW_US + LAST_AT_AHEAD_US_MAX, NOW_US) is None
    assert why_not_yet(0, NOW_US) is None
    ahead = why_not_yet(NOW_US + LAST_AT_AHEAD_US_MAX + 1, NOW_US)
    assert ahead == "the newest entry is 5.0 s ahead of the database's clock; set it right or wait"
