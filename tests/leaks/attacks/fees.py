"""X7, B3, B9: do fees and payouts tell the card, the number of gifts or a hidden amount?

Gifts of the simulated provider, with what he really keeps of each. The attacker knows every formula and every public
amount, and takes what is likeliest: by Bayes over all that could have led to what he sees.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Final

from ledger.types import Entry, Posting
from server.birth import DEFAULT_FEES, default_policy
from server.domains.giving.events import FEE_RECORDED, GIFT_RECEIVED
from server.publishing import monthly
from server.publishing.policy import Changes
from server.simulators.stripe.shapes import Card
from server.simulators.stripe.variety import Variety, settle
from tests.leaks.attacks.results import Result, mean

FORMULA: Final = DEFAULT_FEES["USD/2"]
PAYERS_MIN: Final = 5
FEE_STEP_MINOR: Final = 1_000
PAYOUT_STEP_MINOR: Final = 50_000
MONTH: Final = "2026-01"
DAYS: Final = 63
GROUPS: Final = (1, 5)
LEEWAY: Final = 0.1
_CLASSES: Final = {
    "domestic": Card("visa", "US", "credit", "4242"),
    "amex": Card("amex", "US", "credit", "0005"),
    "foreign": Card("visa", "GB", "debit", "0006"),
}
_SHARES: Final = dict.fromkeys(_CLASSES, 1 / len(_CLASSES))
"""As many of each: then chance is the least, and whatever he learns shows the most."""


@dataclass(frozen=True, slots=True)
class Gift:
    """An amount in cents, and the kind of card it was given with."""

    amount: int
    card: str

    @property
    def true_fee(self) -> int:
        """What the provider kept."""
        return _fee(self.amount, self.card)


def results(seed: int, trials: int) -> Iterator[Result]:
    """Every experiment of this attack."""
    yield _each_fee(seed, trials)
    for size in GROUPS:
        yield _month_of_fees(seed, trials, size)
    yield _count_of_hidden(seed, trials)
    yield from _payouts(seed, max(1, trials // DAYS))


def _gifts(dice: Random, count: int) -> list[Gift]:
    variety = Variety(dice.random())  # type: ignore[arg-type]  # any seed that Random takes
    found: list[Gift] = []
    while len(found) < count:
        gift = variety.gift()
        if gift.currency == "usd":
            found.append(Gift(gift.amount, dice.choices(list(_SHARES), list(_SHARES.values()))[0]))
    return found


@lru_cache(maxsize=100_000)
def _fee(amount: int, card: str) -> int:
    return settle(amount, "usd", _CLASSES[card]).fee


def _each_fee(seed: int, trials: int) -> Result:
    """The kind of card, from the fee that stands beside each gift."""
    gifts = _gifts(Random(f"{seed} each"), trials)  # noqa: S311 - an experiment, repeatable on purpose
    fits = [_guess(gift, FORMULA.fee_minor(gift.amount), lambda g, _: FORMULA.fee_minor(g.amount)) for gift in gifts]
    true = [_guess(gift, gift.true_fee, lambda g, card: _fee(g.amount, card)) for gift in gifts]
    likeliest = max(_SHARES.values())
    return Result(
        "X7", "kind of card, from the fee beside a gift", trials, mean(fits), likeliest, mean(true), likeliest
    )


def _guess(gift: Gift, seen: int, formula: Callable[[Gift, str], int]) -> float:
    possible = [card for card in _CLASSES if formula(gift, card) == seen]
    return float(max(possible, key=_SHARES.__getitem__) == gift.card)


def _month_of_fees(seed: int, trials: int, size: int) -> Result:
    """The kind of one gift's card, from what `monthly.fees` tells of its month; without the rule, from their sum."""
    dice = Random(f"{seed} month {size}")  # noqa: S311 - as above
    told, exact = [], []
    for _ in range(max(4, trials // size)):
        gifts = _gifts(dice, size)
        total = sum(gift.true_fee for gift in gifts)
        exact.append(_named(gifts, lambda fees, total=total: fees == total))  # type: ignore[misc]  # bound at once
        among, seen = _settled(gifts)
        told.append(_named(among, seen) if gifts[0] in among else dice.choice([1.0, 0.0, 0.0]))
    chance = 1 / len(_CLASSES)
    question = f"kind of a card, from a month's true fees of {size} gifts"
    return Result("X7", question, len(told), mean(told), chance, mean(exact), chance + LEEWAY)


def _named(gifts: Sequence[Gift], seen: Callable[[int], bool]) -> float:
    """Whether the likeliest kind for the first gift is the right one; `seen` tells which sums of fees it may be."""
    posterior = _posterior(gifts, seen)
    return float(max(posterior, key=posterior.__getitem__) == gifts[0].card)


def _settled(gifts: Sequence[Gift]) -> tuple[list[Gift], Callable[[int], bool]]:
    """The gifts, each of another person, whose fees the service tells together, and which sums fit what it tells."""
    policy = default_policy(("USD/2",))
    facts = [_fee_fact(number, gift) for number, gift in enumerate(gifts)]
    found, _ = monthly.fees(facts, Changes(((MONTH, policy),)), {}, MONTH)
    if not found:
        return [], lambda _: True
    [one] = found
    among = [gifts[position] for position in one.positions]
    accrued = sum(FORMULA.fee_minor(gift.amount) for gift in among)
    shown = {line.account: line.amount for line in one.publication.postings}
    told = -shown.get("assets:cash", 0), shown.get("expenses:processing", 0)

    def fits(fees: int) -> bool:
        return tuple(monthly._whole_steps(n, policy.fee_step_minor) for n in (fees, fees - accrued)) == told

    assert fits(sum(gift.true_fee for gift in among)), "the attacker knows the rule"
    return among, fits


def _fee_fact(number: int, gift: Gift) -> monthly.Fact:
    data = {"via": "processor", "visibility": "live", "fee_borne_by": "giver"}
    given = _entry(number, GIFT_RECEIVED, data, "assets:stripe:pending", "income:gifts:restricted", gift.amount)
    kept = ("expenses:fees:processing", "assets:stripe:pending", gift.true_fee)
    return monthly.Fact(_entry(number, FEE_RECORDED, {}, *kept), f"person {number}", given)


def _entry(  # noqa: PLR0917 - an entry's members
    position: int, name: str, data: Mapping[str, object], debit: str, credit: str, amount: int
) -> Entry:
    postings = (Posting(debit, "USD/2", "rent", amount), Posting(credit, "USD/2", "rent", -amount))
    return Entry("example.org/books", position, bytes(32), 0, MONTH, name, data, postings)


def _posterior(gifts: Sequence[Gift], seen: Callable[[int], bool]) -> dict[str, float]:
    """How likely each kind is for the first gift, given what is seen: the others in every mixture there can be."""
    sums: dict[int, float] = {0: 1.0}
    for gift in gifts[1:]:
        following: defaultdict[int, float] = defaultdict(float)
        for total, weight in sums.items():
            for card, share in _SHARES.items():
                following[total + _fee(gift.amount, card)] += weight * share
        sums = following
    found = dict.fromkeys(_CLASSES, 0.0)
    for card, share in _SHARES.items():
        mine = _fee(gifts[0].amount, card)
        found[card] = share * sum(weight for total, weight in sums.items() if seen(total + mine))
    return found


def _count_of_hidden(seed: int, trials: int) -> Result:
    """X11: how many hidden gifts a month's sum is made of, from the fees accrued for it: each has its 30 cents."""
    dice = Random(f"{seed} count")  # noqa: S311 - as above
    exact, in_steps, counts = [], [], Counter[int]()
    for _ in range(trials):
        count = dice.randrange(PAYERS_MIN, 40)
        counts[count] += 1
        gifts = _gifts(dice, count)
        total = sum(gift.amount for gift in gifts)
        fees = sum(FORMULA.fee_minor(gift.amount) for gift in gifts)
        percentage = total * FORMULA.rate_bp / 10_000
        exact.append(float(round((fees - percentage) / FORMULA.fixed_minor) == count))
        middle = fees // FEE_STEP_MINOR * FEE_STEP_MINOR + FEE_STEP_MINOR / 2
        in_steps.append(float(max(PAYERS_MIN, round((middle - percentage) / FORMULA.fixed_minor)) == count))
    chance = max(counts.values()) / trials
    question = f"number of hidden gifts, from their fees in steps of {FEE_STEP_MINOR / 100:.2f}"
    return Result("X11", question, trials, mean(in_steps), chance, mean(exact), chance + 1 / (FEE_STEP_MINOR / 30))


def _payouts(seed: int, runs: int) -> Iterator[Result]:
    """Hidden amounts, one a day, from payouts less the public gifts."""
    dice = Random(f"{seed} payouts")  # noqa: S311 - as above
    exact, stepped, guessed = [], [], []
    prior = Counter(gift.amount for gift in _gifts(dice, 2_000))
    for _ in range(runs):
        balance = paid_out = 0
        for _ in range(DAYS):
            public = sum(gift.amount - FORMULA.fee_minor(gift.amount) for gift in _gifts(dice, 4))
            hidden = _gifts(dice, 1)[0].amount
            net = hidden - FORMULA.fee_minor(hidden)
            exact.append(float(abs(_gross(public + net - public) - hidden) <= 1))
            paid_out = (balance + public + net) // PAYOUT_STEP_MINOR * PAYOUT_STEP_MINOR
            # He knows neither what lay there before nor what is left: two remainders of less than a step each.
            least, most = paid_out - public - PAYOUT_STEP_MINOR, paid_out - public + PAYOUT_STEP_MINOR
            possible = {a: n for a, n in prior.items() if least < a - FORMULA.fee_minor(a) < most} or prior
            stepped.append(float(max(possible, key=possible.__getitem__) == hidden))
            guessed.append(float(max(prior, key=prior.__getitem__) == hidden))
            balance = (balance + public + net) % PAYOUT_STEP_MINOR
    question = f"a hidden amount to the cent, from payouts in steps of {PAYOUT_STEP_MINOR / 100:.2f}"
    yield Result("X7", question, len(exact), mean(stepped), mean(guessed), mean(exact), mean(guessed) + 0.05)


def _gross(net: int) -> int:
    """The gift that leaves this after the published fee."""
    return round((net + FORMULA.fixed_minor) * 10_000 / (10_000 - FORMULA.rate_bp))
