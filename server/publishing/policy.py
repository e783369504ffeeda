"""The publishing policy: which entry of `books` becomes which entry of `public` (design/ledger.md 5). Pure.

Published fees follow a flat formula that the policy names, because the true fee of one gift tells the kind of card
(attacks B3). A policy is data in the log; the code only knows how to apply it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeGuard

from ledger.types import Entry, OwnedPosting

BASIS_POINTS = 10_000
GIFT_RECEIVED = "giving.gift.received.v1"
FEE_FUND_OF_CHARITY = "general"

# Floors of design/ledger.md 5: a policy may be stricter, never laxer (attacks A7).
PEOPLE_FLOOR = 5
PEOPLE_DEFAULT = 11


@dataclass(frozen=True, slots=True)
class FeeFormula:
    """`rate_bp` basis points of the amount plus `fixed_minor`, rounded half up."""

    rate_bp: int
    fixed_minor: int

    def fee_minor(self, amount_minor: int) -> int:
        """Return the fee accrued for a gift, never more than the gift."""
        exact = amount_minor * self.rate_bp
        return min(amount_minor, (exact + BASIS_POINTS // 2) // BASIS_POINTS + self.fixed_minor)


@dataclass(frozen=True, slots=True)
class Policy:
    """The publishing policy in force. `fees` by asset; an asset without a formula accrues no fee."""

    fees: Mapping[str, FeeFormula]
    people_min: int = PEOPLE_DEFAULT

    def to_data(self) -> dict[str, object]:
        """Return the policy as it stands in `ledger.policy.changed.v1`."""
        return {
            "fees": [
                {"asset": asset, "fixed_minor": formula.fixed_minor, "rate_bp": formula.rate_bp}
                for asset, formula in sorted(self.fees.items())
            ],
            "gifts": "live",
            "people_min": self.people_min,
        }

    @staticmethod
    def from_data(data: Mapping[str, object]) -> Policy:
        """Read a policy back from the log.

        Raises ValueError or TypeError when a floor is undercut or a member is not as `to_data` writes it.
        """
        people_min = data.get("people_min")
        if not isinstance(people_min, int) or people_min < PEOPLE_FLOOR:
            message = f"people_min is {people_min!r}; the schema's floor is {PEOPLE_FLOOR}"
            raise ValueError(message)
        fees = data.get("fees")
        if not isinstance(fees, list):
            message = f"fees is {fees!r}; a policy lists one formula per asset"
            raise TypeError(message)
        return Policy(dict(map(_formula, fees)), people_min)


def _formula(member: object) -> tuple[str, FeeFormula]:
    match member:
        case {"asset": str(asset), "rate_bp": int(rate_bp), "fixed_minor": int(fixed_minor)}:
            return asset, FeeFormula(rate_bp, fixed_minor)
    message = f"{str(member)[:80]!r} is no fee formula of asset, rate_bp and fixed_minor"
    raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Publication:
    """What to append to `public` for one entry of `books`."""

    type: str
    data: Mapping[str, object]
    postings: tuple[OwnedPosting, ...]
    period: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A fact that is booked but may not be told yet: its giver chose `quiet` or `hidden`."""

    visibility: Literal["quiet", "hidden"]


@dataclass(frozen=True, slots=True)
class NotPublished:
    """A fact that is never told on its own: true fees, suspense, the log's own entries."""


Decision = Publication | Waiting | NotPublished


def decide(entry: Entry, policy: Policy) -> Decision:
    """Return what becomes public of one entry of `books`."""
    if entry.type != GIFT_RECEIVED:
        return NotPublished()
    visibility = entry.data["visibility"]
    if _waits(visibility):
        return Waiting(visibility)
    return _gift(entry, policy)


def _waits(visibility: object) -> TypeGuard[Literal["quiet", "hidden"]]:
    return visibility in {"quiet", "hidden"}


def _gift(entry: Entry, policy: Policy) -> Publication:
    """Postings of attacks C4: gross income, the fee accrued apart, borne by the fund or by `general`."""
    income = next(p for p in entry.postings if p.account.startswith("income:"))
    amount, asset, fund = -income.amount, income.asset, income.fund
    formula = policy.fees.get(asset)
    via_processor = entry.data["via"] == "processor"
    fee = formula.fee_minor(amount) if formula and via_processor else 0
    bearer = fund if entry.data["fee_borne_by"] == "giver" else FEE_FUND_OF_CHARITY
    postings = [
        OwnedPosting("assets:cash", asset, fund, amount),
        OwnedPosting("income:gifts", asset, fund, -amount),
    ]
    if fee:
        postings += [
            OwnedPosting("expenses:processing", asset, bearer, fee),
            OwnedPosting("liabilities:accrued_fees", asset, bearer, -fee),
        ]
    return Publication(GIFT_RECEIVED, {"via": entry.data["via"]}, tuple(postings), entry.period)
