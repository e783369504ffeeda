"""X3, B1: whose is it? He knows that somebody has just given quietly, and looks for that gift among what is published.

Real `flush` on simulated payers. He sees publications with their minute and order, knows the moment of the gift to the
second, and may give himself, under as many names as he has cards: his own gifts he recognises and takes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from server.publishing.quiet import GIFTS_MIN, WAIT_MAX_US, Quiet, flush
from tests.leaks.attacks.results import Result, mean

DAY_US: Final = 86_400_000_000
MINUTE_US: Final = 60_000_000
TARGET: Final = -1
RATES_PER_DAY: Final = (1, 5, 20, 100)


@dataclass(frozen=True, slots=True)
class Flush:
    """One publication: when, which gifts in which order, and whether it was the day's wait that let them go."""

    at_us: int
    positions: tuple[int, ...]
    is_late: bool


def results(seed: int, trials: int) -> Iterator[Result]:
    """Every experiment of this attack."""
    for rate in RATES_PER_DAY:
        dice = Random(f"{seed} {rate}")  # noqa: S311 - an experiment, repeatable on purpose
        found = [_published(dice, rate, false_payers=0) for _ in range(trials)]
        company = [1 / len(seen) for seen, late in found if not late]
        late = [1 / len(seen) for seen, late in found if late]
        live = [_live(dice, rate) for _ in range(trials)]
        chance = 1 / (1 + rate)
        question = f"which of the entries is it, {rate} quiet gifts a day"
        if company:
            told = f"{question}, told in company"
            yield Result("X3", told, len(company), mean(company), chance, mean(live), 1 / GIFTS_MIN)
        if late:
            yield Result("X3", f"{question}, told after a day's wait", len(late), mean(late), chance, mean(live))
    yield from _false_payers(seed, trials)
    yield _one_card(seed, trials)
    yield _order(seed, trials)


def _false_payers(seed: int, trials: int) -> Iterator[Result]:
    """He fills the mix himself: each false payer who looks like another person takes one place from the company."""
    for count in range(1, GIFTS_MIN):
        dice = Random(f"{seed} false {count}")  # noqa: S311 - as above
        found = [_published(dice, 20, false_payers=count) for _ in range(trials)]
        right = [1 / len(seen) for seen, late in found if not late]
        question = f"the same at 20 a day, with {count} false payers"
        yield Result("X3", question, len(right), mean(right), 1 / 21, None, 1 / (GIFTS_MIN - count))


def _one_card(seed: int, trials: int) -> Result:
    """Forty gifts of one card are one payer: they must not buy more than one place."""
    dice = Random(f"{seed} one card")  # noqa: S311 - as above
    found = [_published(dice, 20, false_payers=1, gifts_each=40) for _ in range(trials)]
    right = [1 / len(seen) for seen, late in found if not late]
    return Result(
        "X3", "the same, with 40 gifts of one card", len(right), mean(right), 1 / 21, None, 1 / (GIFTS_MIN - 1)
    )


def _order(seed: int, trials: int) -> Result:
    """He guesses that what is told last was given last."""
    dice = Random(f"{seed} order")  # noqa: S311 - as above
    shuffled, sorted_ = [], []
    for _ in range(trials):
        waiting = [Quiet(n, n, str(n)) for n in range(GIFTS_MIN)]
        told = flush(waiting, GIFTS_MIN, dice.randbytes)
        shuffled.append(float(told[-1] == GIFTS_MIN - 1))
        sorted_.append(float(flush(waiting, GIFTS_MIN, lambda _: b"")[-1] == GIFTS_MIN - 1))
    question = "which was given last, by its place in the publication"
    return Result("X3", question, trials, mean(shuffled), 1 / GIFTS_MIN, mean(sorted_), 1 / GIFTS_MIN)


def _published(dice: Random, rate: int, *, false_payers: int, gifts_each: int = 1) -> tuple[tuple[int, ...], bool]:
    """The entries among which the target must be, without the attacker's own, and whether a day's wait told them."""
    begin = 2 * DAY_US + dice.randrange(DAY_US)
    gifts = [*_honest(dice, rate, begin + 2 * DAY_US), Quiet(TARGET, begin, "target")]
    if false_payers:
        # He has just filled and emptied the mix, so nobody waits but his own and who gives from now on.
        gifts = [gift for gift in gifts if gift.at_us >= begin]
    own = [
        Quiet(10**6 + payer * 10**3 + n, begin + 1 + n, f"false {payer}")
        for payer in range(false_payers)
        for n in range(gifts_each)
    ]
    for one in flushes([*gifts, *own], dice):
        if TARGET in one.positions:
            return tuple(position for position in one.positions if position < 10**6), one.is_late
    raise AssertionError("a gift is told after a day at the latest")


def flushes(gifts: Sequence[Quiet], dice: Random) -> Iterator[Flush]:
    """What `flush` publishes of these gifts: asked at each gift, and when somebody has waited a day."""
    arriving = sorted(gifts, key=lambda gift: gift.at_us)
    waiting: list[Quiet] = []
    while arriving or waiting:
        late_us = waiting[0].at_us + WAIT_MAX_US if waiting else None
        is_late = late_us is not None and (not arriving or late_us < arriving[0].at_us)
        if is_late:
            assert late_us is not None
            now_us = late_us
        else:
            now_us = arriving[0].at_us
            waiting.append(arriving.pop(0))
        if told := flush(waiting, now_us, dice.randbytes):
            yield Flush(now_us // MINUTE_US * MINUTE_US, tuple(told), is_late)
            waiting = [gift for gift in waiting if gift.position not in set(told)]


def _honest(dice: Random, rate: int, until_us: int) -> Iterator[Quiet]:
    """Other people's quiet gifts, at random moments; some people give more than once."""
    at_us, number = 0, 0
    while True:
        at_us += max(1, int(dice.expovariate(rate / DAY_US)))
        if at_us >= until_us:
            return
        yield Quiet(number, at_us, f"person {dice.randrange(50 * rate)}")
        number += 1


def _live(dice: Random, rate: int) -> float:
    """The control: everything is told in its own minute; whoever gave in that minute is the company."""
    others = sum(1 for gift in _honest(dice, rate, DAY_US) if gift.at_us // MINUTE_US == DAY_US // MINUTE_US // 2)
    return 1 / (1 + others)
