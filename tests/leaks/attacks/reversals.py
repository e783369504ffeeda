"""X11, B11: which public gifts were given back? A month's refunds stand in one sum; he knows every gift it may be of.

Most gifts are whole dollars. He looks at the cents alone: they are the cents of a few odd gifts among those given back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from server.publishing.policy import PEOPLE_FLOOR
from tests.leaks.attacks.results import Result, mean

GIFTS: Final = 60
CENTS: Final = 100
ODD_SHARES: Final = (0.05, 0.5)
ALIKE: Final = 0.999


def results(seed: int, trials: int) -> Iterator[Result]:
    """Every experiment of this attack."""
    for odd in ODD_SHARES:
        yield _odd_cents(seed, max(20, trials // 5), odd)


def _odd_cents(seed: int, trials: int, odd: float) -> Result:
    """He names the gift that is likeliest to be among those given back."""
    dice = Random(f"{seed} reversals {odd}")  # noqa: S311 - an experiment, repeatable on purpose
    right = []
    for _ in range(trials):
        gifts = [_amount(dice, odd) for _ in range(GIFTS)]
        chosen = set(dice.sample(range(GIFTS), PEOPLE_FLOOR))
        likely = _likely(gifts, sum(gifts[n] for n in chosen) % CENTS)
        best = max(likely)
        right.append(float(dice.choice([n for n, share in enumerate(likely) if share >= best * ALIKE]) in chosen))
    question = f"a gift that was given back, from a month's sum to the cent, {100 * odd:.0f} % of gifts not whole"
    return Result("X11", question, trials, mean(right), PEOPLE_FLOOR / GIFTS)


def _amount(dice: Random, odd: float) -> int:
    return dice.randrange(5, 300) * CENTS + (dice.randrange(1, CENTS) if dice.random() < odd else 0)


def _likely(gifts: Sequence[int], cents: int) -> list[float]:
    """For each gift how likely it is one of five whose cents add up to these."""
    everyone = _ways(gifts)
    total = everyone[PEOPLE_FLOOR, cents]
    return [1 - _without(everyone, gift % CENTS, cents) / total for gift in gifts]


def _ways(gifts: Sequence[int]) -> dict[tuple[int, int], int]:
    """In how many ways so many gifts have so many cents in sum."""
    ways: defaultdict[tuple[int, int], int] = defaultdict(int, {(0, 0): 1})
    for gift in gifts:
        # From the most down, so that no gift is taken twice.
        for (count, cents), number in sorted(ways.items(), reverse=True):
            if count < PEOPLE_FLOOR:
                ways[count + 1, (cents + gift) % CENTS] += number
    return ways


def _without(everyone: dict[tuple[int, int], int], mine: int, cents: int) -> int:
    """The same, of those ways that leave one gift out: take away the ways that use it, one count after the other."""
    left = {(0, c): everyone.get((0, c), 0) for c in range(CENTS)}
    for count in range(1, PEOPLE_FLOOR + 1):
        for c in range(CENTS):
            left[count, c] = everyone.get((count, c), 0) - left[count - 1, (c - mine) % CENTS]
    return left[PEOPLE_FLOOR, cents]
