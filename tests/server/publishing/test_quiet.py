"""Quiet gifts: told in company, shuffled, or after a day (attacks B1, X3)."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.publishing.quiet import FLUSH_MAX, GIFTS_MIN, WAIT_MAX_US, Quiet, flush

GIFTS = st.lists(
    st.builds(Quiet, st.integers(0, 10_000), st.integers(0, WAIT_MAX_US), st.sampled_from([*"abcdefg", None])),
    unique_by=lambda gift: gift.position,
    max_size=30,
)


def of(*payers: str | None) -> list[Quiet]:
    return [Quiet(position, position, who) for position, who in enumerate(payers)]


@pytest.mark.parametrize(
    ("payers", "told"), [("abcd", 0), ("abcde", 5), ("abcda", 0), ("aaaaaaaaa", 0), ("abcdeabcd", 9)]
)
def test_five_gifts_of_five_payers_go_together_and_fewer_wait(payers: str, told: int) -> None:
    assert len(flush(of(*payers), 100, os.urandom)) == told


def test_payers_whom_nobody_knows_are_one_payer() -> None:
    assert flush(of("a", "b", "c", None, None, None), 100, os.urandom) == []


def test_after_a_day_the_oldest_takes_all_with_it() -> None:
    waiting = [Quiet(1, 0, "a"), Quiet(2, 5, "a")]
    assert flush(waiting, WAIT_MAX_US - 1, os.urandom) == []
    assert sorted(flush(waiting, WAIT_MAX_US, os.urandom)) == [1, 2]


def test_a_flush_has_a_limit_and_takes_the_oldest() -> None:
    waiting = [Quiet(position, 10_000 - position, str(position)) for position in range(FLUSH_MAX + 20)]
    told = flush(waiting, 10_000, os.urandom)
    assert set(told) == set(range(20, FLUSH_MAX + 20))


def test_the_order_is_the_dice_and_not_the_bookings() -> None:
    orders = {tuple(flush(of(*"abcdefgh"), 100, os.urandom)) for _ in range(40)}
    assert len(orders) > 20


@given(GIFTS, st.integers(0, 2 * WAIT_MAX_US))
def test_a_flush_is_company_or_late_and_tells_each_gift_once(waiting: list[Quiet], now_us: int) -> None:
    told = flush(waiting, now_us, os.urandom)
    assert len(set(told)) == len(told)
    assert not told or sorted(told) == sorted(gift.position for gift in waiting)
    company = len(waiting) >= GIFTS_MIN and len({gift.who for gift in waiting}) >= GIFTS_MIN
    late = any(now_us - gift.at_us >= WAIT_MAX_US for gift in waiting)
    assert bool(told) is (company or late)
