"""X11, B5: what pooled help tells of one person: by subtracting months, by what some of them know, by its size.

Rents and fares of simulated people, told as the rules tell them: a month's sum per category, of people enough and none
of them most of it. The attacker reads every month; a better one is among the people and knows some lines exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from server.publishing import lines, people
from server.publishing.policy import PEOPLE_DEFAULT, PEOPLE_FLOOR
from tests.leaks.attacks.results import Result, mean

NEAR: Final = 0.05
CHANGING: Final = (0.0, 0.2, 1.0)
AMOUNTS: Final = (2_000, 90_000)
_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Line:
    """What was paid for one person in one month, in cents."""

    who: str
    amount_minor: int


def results(seed: int, trials: int) -> Iterator[Result]:
    """Every experiment of this attack."""
    for changing in CHANGING:
        yield _subtracted(seed, trials, changing)
    for people_min in (PEOPLE_FLOOR, PEOPLE_DEFAULT):
        yield _largest(seed, trials, people_min)
    yield _insiders(seed, trials)
    for false_payers in (3, 4):
        yield _hidden_alone(seed, trials, false_payers)
    yield _counted(seed, trials)


def _amount(dice: Random) -> int:
    return dice.randrange(*AMOUNTS)


def _months(dice: Random, changing: float) -> tuple[list[Line], list[Line], int]:
    """Two months of people enough; in the second there is one more, and each of the others may get another amount."""
    first = [Line(f"person {n}", _amount(dice)) for n in range(PEOPLE_DEFAULT + dice.randrange(4))]
    second = [Line(line.who, _amount(dice) if dice.random() < changing else line.amount_minor) for line in first]
    newcomer = _amount(dice)
    return first, [*second, Line("newcomer", newcomer)], newcomer


def _subtracted(seed: int, trials: int, changing: float) -> Result:
    """He knows who is new this month, and takes last month's sum from this one's."""
    dice = Random(f"{seed} subtracted {changing}")  # noqa: S311 - an experiment, repeatable on purpose
    right, guessed = [], []
    for _ in range(trials):
        *months, newcomer = _months(dice, changing)
        told = [sum(line.amount_minor for line in people.without_dominant(month, PEOPLE_DEFAULT)) for month in months]
        right.append(_is_near(told[1] - told[0], newcomer))
        guessed.append(_is_near(sum(AMOUNTS) // 2, newcomer))
    question = f"a newcomer's help within 5 %, from two months' sums, {100 * changing:.0f} % of the others changing"
    # Sums of two months cannot keep this where nobody else changes: no rule on one month's sum can.
    return Result("X11", question, trials, mean(right), mean(guessed), None, 0.3 if changing == 1.0 else None)


def _largest(seed: int, trials: int, people_min: int) -> Result:
    """The second largest, who knows his own amount, bounds the largest: is it less than half as much again?"""
    dice = Random(f"{seed} largest {people_min}")  # noqa: S311 - as above
    right, without, told = [], [], 0
    for _ in range(trials):
        # Small fares and a few rents: few large amounts among many small ones give most away.
        amounts = [int(AMOUNTS[0] * (AMOUNTS[1] / AMOUNTS[0]) ** dice.random()) for _ in range(people_min)]
        month = [Line(f"person {n}", amount) for n, amount in enumerate(amounts)]
        without.append(_bounds(month))
        if shares := people.without_dominant(month, people_min):
            told += 1
            right.append(_bounds(shares))
    question = f"the largest of {people_min} within 50 %, by the second largest who knows his own"
    return Result(
        "X11", question, told, mean(right), 0.0, mean(without), 0.05 if people_min == PEOPLE_DEFAULT else None
    )


def _bounds(month: list[Line]) -> float:
    """What is left of the sum without his own is at least the largest's, and he knows that his own is not more."""
    *_, second, largest = sorted(line.amount_minor for line in month)
    most = sum(line.amount_minor for line in month) - second
    return float(most - largest <= largest / 2)


def _insiders(seed: int, trials: int) -> Result:
    """Half of the people put together what they know, and share out what is left evenly."""
    dice = Random(f"{seed} insiders")  # noqa: S311 - as above
    right, guessed = [], []
    for _ in range(trials):
        month = [Line(f"person {n}", _amount(dice)) for n in range(PEOPLE_DEFAULT)]
        known = PEOPLE_DEFAULT // 2
        left = sum(line.amount_minor for line in month[known:])
        right.append(_is_near(left // (PEOPLE_DEFAULT - known), month[-1].amount_minor))
        guessed.append(_is_near(sum(AMOUNTS) // 2, month[-1].amount_minor))
    question = f"one person's help within 5 %, by {PEOPLE_DEFAULT // 2} of the others who tell him theirs"
    return Result("X11", question, trials, mean(right), mean(guessed), None, mean(guessed) + 0.05)


def _hidden_alone(seed: int, trials: int, false_payers: int) -> Result:
    """He gives hidden himself, from several cards, in a month and fund where one gift is what he is after."""
    dice = Random(f"{seed} hidden {false_payers}")  # noqa: S311 - as above
    right = []
    for _ in range(trials):
        own = [Line(f"false {n}", AMOUNTS[1]) for n in range(false_payers)]
        others = [Line(f"other {n}", _amount(dice)) for n in range(PEOPLE_FLOOR - 1 - false_payers)]
        month = [*own, *others, Line("target", _amount(dice))]
        told = sum(line.amount_minor for line in people.without_dominant(month, PEOPLE_FLOOR))
        right.append(float(told - sum(line.amount_minor for line in own) == month[-1].amount_minor))
    question = (
        f"a hidden gift to the cent, by {false_payers} false payers among the {PEOPLE_FLOOR} of its month and fund"
    )
    bound = None if false_payers == PEOPLE_FLOOR - 1 else 0.0
    return Result("X11", question, trials, mean(right), 0.0, None, bound)


def _counted(seed: int, trials: int) -> Result:
    """How many lines a batch has, from how deep a proof of one of them is: filled up, 5 to 16 look alike."""
    dice = Random(f"{seed} counted")  # noqa: S311 - as above
    right, bare = [], []
    counts = range(PEOPLE_FLOOR, lines.LINES_MIN + 1)
    for _ in range(trials):
        count = dice.choice(counts)
        made = lines.build([dice.randbytes(_HASH_BYTES) for _ in range(count)], dice.randbytes)
        seen = len(lines.path(made.values, 0))
        alike = [n for n in counts if _depth(n) == seen]
        right.append(float(dice.choice(alike) == count) if alike else 0.0)
        bare.append(1 / len([n for n in counts if (n - 1).bit_length() == (count - 1).bit_length()]))
    question = "number of lines of a batch, from the proof of one"
    return Result("X11", question, trials, mean(right), 1 / len(counts), mean(bare), 1 / len(counts))


def _depth(count: int) -> int:
    """The depth of a proof in a batch of so many lines."""
    return (max(count, lines.LINES_MIN) - 1).bit_length()


def _is_near(guess: int, amount: int) -> float:
    return float(abs(guess - amount) <= NEAR * amount)
