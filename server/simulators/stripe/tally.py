"""What the books should say once all that was sent has been worked. Tests hold them against it, to the cent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from server.simulators.stripe.variety import HOME_CURRENCY, KNOWN_FUNDS, Gift


@dataclass(slots=True)
class Tally:
    """Sums over gifts of which at least one paying notice was acknowledged, and counts of what was sent.

    `received_minor` and `fees_minor` are keyed by (fund, currency); `fees_minor` by the fund that bears the fee.
    """

    held: AbstractSet[str] = frozenset({HOME_CURRENCY})
    funds: AbstractSet[str] = frozenset(KNOWN_FUNDS)
    gifts: int = 0
    received_minor: Counter[tuple[str, str]] = field(default_factory=Counter)
    suspended_minor: Counter[str] = field(default_factory=Counter)
    fees_minor: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_held: Counter[str] = field(default_factory=Counter)
    notices: int = 0
    duplicates: int = 0
    retries: int = 0
    lost: int = 0
    held_back: int = 0
    by_type: Counter[str] = field(default_factory=Counter)

    def add(self, gift: Gift) -> None:
        """Count a gift that the service has acknowledged."""
        self.gifts += 1
        if gift.currency not in self.held:
            self.not_held[gift.currency] += 1
            return
        known = gift.fund in self.funds
        if known:
            self.received_minor[gift.fund, gift.currency] += gift.amount
        else:
            self.suspended_minor[gift.currency] += gift.amount
        bearer = gift.fund if gift.covers_fees and known else KNOWN_FUNDS[0]
        self.fees_minor[bearer, gift.settlement.currency] += gift.settlement.fee
