"""Amounts, assets, rounding and splitting: integers only."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import money
from ledger.errors import MalformedError

AMOUNTS = st.integers(-money.AMOUNT_MAX, money.AMOUNT_MAX)


@given(AMOUNTS.filter(bool))
def test_an_amount_reads_back(amount: int) -> None:
    assert money.parse_amount(money.format_amount(amount)) == amount


@pytest.mark.parametrize("text", ["0", "-0", "+5", " 5", "5 ", "1_0", "05", "", "-", "1.0", "\u0665", "1" * 32, "5\n"])
def test_what_int_would_take_and_no_posting_may_say_is_refused(text: str) -> None:
    with pytest.raises(MalformedError, match="31 digits"):
        money.parse_amount(text)


@pytest.mark.parametrize(
    "amount", [0, 10**31, -(10**31), 10**6000], ids=["zero", "32 digits", "32 digits below zero", "6000 digits"]
)
def test_an_amount_that_fits_no_posting_is_not_written(amount: int) -> None:
    with pytest.raises(MalformedError, match="31 digits"):
        money.format_amount(amount)


@pytest.mark.parametrize(
    ("asset", "digits"), [("USD/2", 2), ("JPY", 0), ("BTC/8", 8), ("POINTS", 0), ("A:B.C-D_E/12", 12)]
)
def test_an_asset_says_its_precision(asset: str, digits: int) -> None:
    assert money.precision(asset) == digits


@pytest.mark.parametrize("asset", ["usd/2", "", "USD/", "USD/123", "USD/2/2"])
def test_what_is_no_asset_has_no_precision(asset: str) -> None:
    with pytest.raises(MalformedError, match="USD/2"):
        money.precision(asset)


@given(AMOUNTS, st.integers(1, 10**6))
def test_halves_round_away_from_zero(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    rounded = money.divide_half_up(numerator, denominator)
    assert abs(rounded - exact) <= Fraction(1, 2)
    assert money.divide_half_up(-numerator, denominator) == -rounded
    if abs(rounded - exact) == Fraction(1, 2):
        assert abs(rounded) > abs(exact)


@given(AMOUNTS, st.lists(st.integers(0, 10**9), min_size=1, max_size=20).filter(any))
def test_parts_sum_to_the_whole_and_none_is_a_unit_off(amount: int, weights: list[int]) -> None:
    """Attacks C6: largest remainder, so that the parts of a refund are the gift."""
    parts = money.allocate(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount * weight, sum(weights))) < 1


def test_ties_go_to_the_earlier_part() -> None:
    assert money.allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert money.allocate(-5, [1, 1]) == [-3, -2]
    assert money.allocate(3, [0, 1, 0]) == [0, 3, 0]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [2, -1]])
def test_weights_that_share_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(MalformedError, match="weights"):
        money.allocate(1, weights)
