"""What people give: amounts, funds, wishes and cards as they come in real life, all from one seed. Pure.

The weights are guesses that look like a small charity's month; only their variety matters. Nobody in here is real.
"""

from __future__ import annotations

import random
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from server.simulators.stripe.shapes import Card, Ids, Person, Settlement

T = TypeVar("T")

HOME_CURRENCY: Final = "usd"
KNOWN_FUNDS: Final = ("general", "rent", "transport", "tech")

_WHOLE_AMOUNTS = {
    500: 6, 1000: 16, 1500: 5, 2000: 13, 2500: 17, 3000: 5, 4000: 4, 5000: 17, 7500: 4, 10000: 11, 15000: 3, 20000: 3,
    25000: 3, 50000: 2, 100000: 1,
}  # fmt: skip
_FUNDS = {"": 26, "general": 14, "rent": 28, "transport": 17, "tech": 14, "winter coats": 1}
_VISIBILITIES = {"": 70, "live": 18, "quiet": 8, "hidden": 4}
# Minor units of the currency for one cent of the home currency, and what a whole amount is rounded to.
_CURRENCIES: dict[str, tuple[int, float, int]] = {
    "usd": (940, 1.0, 1),
    "eur": (22, 0.92, 100),
    "gbp": (14, 0.79, 100),
    "cad": (10, 1.36, 100),
    "jpy": (10, 1.5, 100),
    "kwd": (4, 3.1, 1000),
}
_CARDS = {
    Card("visa", "US", "credit", "4242"): 40,
    Card("visa", "US", "debit", "5556"): 22,
    Card("mastercard", "US", "credit", "4444"): 20,
    Card("amex", "US", "credit", "0005"): 10,
    Card("discover", "US", "credit", "9424"): 3,
    Card("visa", "GB", "debit", "0006"): 3,
    Card("mastercard", "DE", "credit", "3222"): 2,
}
_GIVEN = (
    "Ada",
    "Ben",
    "Carmen",
    "Dmitri",
    "Esther",
    "Farid",
    "Grace",
    "Hana",
    "Ivo",
    "Joy",
    "Kofi",
    "Lin",
    "Zoë",
    "Øyvind",
)
_FAMILY = (
    "Abara",
    "Berg",
    "Castillo",
    "Duarte",
    "Eklund",
    "Fraser",
    "García",
    "Haddad",
    "Ito",
    "Jensen",
    "Kowalski",
    "O'Neil",
)
_ODD_AMOUNT_SHARE = 0.12
_COVERS_FEES_SHARE = 0.42
_DIRECT_SHARE = 0.03
_RETURNING_SHARE = 0.3
_LATE_SETTLEMENT_SHARE = 0.3
_BASIS_POINTS = 10_000
_ID_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Gift:
    """One payment as it will happen: `amount` in minor units of `currency`, what its giver wished, what it will cost.

    `settled_late`: the provider names its balance transaction only in a later event.
    """

    ids: Ids
    amount: int
    currency: str
    metadata: dict[str, str]
    person: Person
    card: Card
    settlement: Settlement
    settled_late: bool

    @property
    def fund(self) -> str:
        """The fund that was asked for; `general` where nothing was."""
        return self.metadata.get("fund", KNOWN_FUNDS[0])

    @property
    def covers_fees(self) -> bool:
        """Whether the giver pays the provider's fee on top."""
        return self.metadata.get("cover_fees") == "true"


class Variety:
    """An endless supply of gifts and ids; two with the same seed are the same."""

    def __init__(self, seed: int | str) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a demo's variety, repeatable on purpose; nothing secret

    def gift(self) -> Gift:
        """Return the next gift."""
        currency = self._pick({code: weight for code, (weight, _, _) in _CURRENCIES.items()})
        covers = self.random.random() < _COVERS_FEES_SHARE
        card = self._pick(_CARDS)
        amount = self._amount(currency, covers=covers)
        person = self._person()
        return Gift(
            ids=self._ids(),
            amount=amount,
            currency=currency,
            metadata=self._metadata(covers=covers),
            person=person,
            card=card,
            settlement=settle(amount, currency, card),
            settled_late=self.random.random() < _LATE_SETTLEMENT_SHARE,
        )

    def id(self, prefix: str) -> str:
        """Return an id as the provider makes them."""
        return f"{prefix}_" + "".join(self.random.choices(_ID_ALPHABET, k=24))

    def chance(self, share: float) -> bool:
        """Return True in that share of calls."""
        return self.random.random() < share

    def _amount(self, currency: str, *, covers: bool) -> int:
        amount = self._pick(_WHOLE_AMOUNTS)
        if self.chance(_ODD_AMOUNT_SHARE):
            amount = self.random.randint(300, 40_000)
        _, factor, step = _CURRENCIES[currency]
        amount = max(step, round(amount * factor / step) * step)
        # ceil((a + 30) / (1 - 0.029)): what the form asks for when the giver covers the fee.
        return (
            -(-(amount + 30) * _BASIS_POINTS // (_BASIS_POINTS - 290))
            if covers and currency == HOME_CURRENCY
            else amount
        )

    def _metadata(self, *, covers: bool) -> dict[str, str]:
        metadata = {"nonce": "".join(self.random.choices(_ID_ALPHABET, k=22))}
        if fund := self._pick(_FUNDS):
            metadata["fund"] = fund
        if visibility := self._pick(_VISIBILITIES):
            metadata["visibility"] = visibility
        if covers:
            metadata["cover_fees"] = "true"
        return metadata

    def _person(self) -> Person:
        given, family = self.random.choice(_GIVEN), self.random.choice(_FAMILY)
        local = "".join(
            letter for letter in f"{given}.{family}".lower() if letter.isascii() and (letter.isalpha() or letter == ".")
        )
        return Person(f"{given} {family}", f"{local}@example.org", f"{self.random.randint(501, 99950):05d}", "US")

    def _ids(self) -> Ids:
        return Ids(
            payment_intent=None if self.chance(_DIRECT_SHARE) else self.id("pi"),
            charge=self.id("ch"),
            balance_transaction=self.id("txn"),
            payment_method=self.id("pm"),
            customer=self.id("cus") if self.chance(_RETURNING_SHARE) else None,
        )

    def _pick(self, weights: Mapping[T, int]) -> T:
        return self.random.choices(list(weights), list(weights.values()))[0]


def settle(amount: int, currency: str, card: Card) -> Settlement:
    """Return what reaches the account: 2.9 % + 30, more for some cards, in the home currency."""
    rate_bp = 350 if card.brand == "amex" else 290
    if card.country != "US":
        rate_bp += 150
    if currency == HOME_CURRENCY:
        return Settlement(amount, currency, min(amount, (amount * rate_bp + _BASIS_POINTS // 2) // _BASIS_POINTS + 30))
    _, factor, _ = _CURRENCIES[currency]
    cents = max(1, round(amount / factor))
    fee = min(cents, (cents * (rate_bp + 100) + _BASIS_POINTS // 2) // _BASIS_POINTS + 30)
    return Settlement(cents, HOME_CURRENCY, fee, round(1 / factor, 6))
