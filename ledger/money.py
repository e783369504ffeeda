"""Amounts and assets: integers of minor units, never a float. Pure. SPEC.md 3 and 6; attacks C6.

An asset is a unit with its precision: `USD/2` counts cents, `JPY` and `POINTS` count wholes.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.errors import MalformedError
from ledger.grammar import matches_amount, matches_asset

AMOUNT_MAX = 10**31 - 1
"""The largest amount that fits one posting: 31 digits."""


def parse_amount(text: str) -> int:
    """Minor units of a posting's `amount`: a decimal string, never zero. MalformedError otherwise."""
    if not matches_amount(text):
        raise MalformedError(f"amount {text[:80]!r} is not a non-zero decimal integer of at most 31 digits")
    return int(text)


def format_amount(amount_minor: int) -> str:
    """The text of a posting's `amount`; MalformedError for zero and for more than 31 digits."""
    if amount_minor == 0 or abs(amount_minor) > AMOUNT_MAX:
        raise MalformedError(f"an amount of {amount_minor.bit_length()} bits is zero or longer than 31 digits")
    return str(amount_minor)


def precision(asset: str) -> int:
    """Digits after the point when `asset` is shown to people: 2 for `USD/2`, 0 for `POINTS`."""
    if not matches_asset(asset):
        raise MalformedError(f"asset {asset[:80]!r} is not of the form USD/2")
    _, _, digits = asset.partition("/")
    return int(digits or "0")


def divide_half_up(numerator: int, denominator: int) -> int:
    """`numerator / denominator` rounded to the nearest integer, halves away from zero; `denominator` is positive."""
    quotient, remainder = divmod(abs(numerator), denominator)
    rounded = quotient + (2 * remainder >= denominator)
    return rounded if numerator >= 0 else -rounded


def allocate(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Splits an amount in proportion to `weights` (>= 0, not all 0) so that the parts sum to it exactly.

    Largest remainder; ties go to the earlier weight, so callers order their parts by a stable code.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise MalformedError(f"weights {list(weights)[:16]} must be non-negative and not all zero")
    magnitude = abs(amount_minor)
    parts = [magnitude * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(magnitude * weights[i] % total), i))
    for i in by_remainder[: magnitude - sum(parts)]:
        parts[i] += 1
    return parts if amount_minor >= 0 else [-part for part in parts]
