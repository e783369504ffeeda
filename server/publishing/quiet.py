"""Gifts whose giver chose *quiet*: told in company, in no order, or after a day at the latest. Pure. Attacks B1, X3.

What hides a gift is the mix, not the clock: five gifts of five people, shuffled, at one minute. Four false payers can
still isolate the fifth; the page says so beside the choice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

GIFTS_MIN = 5
WAIT_MAX_US = 24 * 3_600_000_000
FLUSH_MAX = 256
"""Gifts of one flush: it is one command, so that all of it shares one minute."""
_DICE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Quiet:
    """One waiting gift, booked at `at_us`. `who` is its payer (people.same_people), None where nobody knows."""

    position: int
    at_us: int
    who: str | None


def flush(
    waiting: Sequence[Quiet], now_us: int, random: Callable[[int], bytes], payers_min: int = GIFTS_MIN
) -> list[int]:
    """Positions of the gifts to tell now, in the order to tell them; empty while they go on waiting.

    Either at least five of at least `payers_min` people wait, or the oldest has waited 24 hours. Then all go, the
    oldest first where there are more than a flush holds.
    """
    oldest_first = sorted(waiting, key=lambda gift: (gift.at_us, gift.position))[:FLUSH_MAX]
    if not oldest_first:
        return []
    payers = {gift.who for gift in oldest_first}
    is_company = len(oldest_first) >= GIFTS_MIN and len(payers) >= payers_min
    if not is_company and now_us - oldest_first[0].at_us < WAIT_MAX_US:
        return []
    dice = {gift.position: random(_DICE_BYTES) for gift in oldest_first}
    return sorted(dice, key=lambda position: dice[position])
