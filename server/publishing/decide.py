"""What becomes public of one entry of `books`, and when: at once, in company, or never (design/ledger.md 5). Pure.

Published fees follow a flat formula that the policy names, because the true fee of one gift tells the kind of card
(attacks B3). What one person could be guessed from waits here for the mix or the month (server.publishing.monthly).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ledger.types import Entry, OwnedPosting
from server.publishing.policy import Policy

GIFT_RECEIVED: Final = "giving.gift.received.v1"
FEE_FUND_OF_CHARITY: Final = "general"

Kind = Literal["fee", "float", "help", "hidden", "quiet", "reversal"]
_WAITS: Mapping[str, Kind] = {
    "giving.dispute.recorded.v1": "reversal",
    "giving.fee.recorded.v1": "fee",
    "giving.float.set.v1": "float",
    "giving.help.paid.v1": "help",
    "giving.help.returned.v1": "help",
    "giving.refund.recorded.v1": "reversal",
}
_CHOSEN: Mapping[object, Kind] = {"quiet": "quiet", "hidden": "hidden"}


@dataclass(frozen=True, slots=True)
class Publication:
    """What to append to `public` for one entry of `books`. `names_vendor`: the vendor agreed to be named."""

    type: str
    data: Mapping[str, object]
    postings: tuple[OwnedPosting, ...]
    period: str
    names_vendor: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """A fact that is booked but may not be told yet."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class NotPublished:
    """A fact that is never told on its own: suspense, payouts that are not round, the log's own entries."""


Decision = Publication | Waiting | NotPublished


def decide(entry: Entry, policy: Policy) -> Decision:
    """Return what becomes public of one entry of `books`, under the policy of the entry's own period."""
    if entry.type in _WAITS:
        return Waiting(_WAITS[entry.type])
    match entry.type:
        case "giving.gift.received.v1":
            chosen = _CHOSEN.get(entry.data["visibility"])
            return Waiting(chosen) if chosen else gift(entry, policy)
        case "giving.spending.paid.v1":
            return _spending(entry)
        case "giving.payout.made.v1":
            return _payout(entry, policy)
    return NotPublished()


def gift(entry: Entry, policy: Policy) -> Publication:
    """Postings of attacks C4: gross income, the fee accrued apart, borne by the fund or by `general`."""
    amount, asset, fund = given(entry)
    fee = policy.accrued_minor(asset, amount) if entry.data["via"] == "processor" else 0
    bearer = fee_bearer(entry)
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


def given(entry: Entry) -> tuple[int, str, str]:
    """Return (amount in minor units, asset, fund) of a gift in `books`."""
    income = next(p for p in entry.postings if p.account.startswith("income:"))
    return -income.amount, income.asset, income.fund


def fee_bearer(entry: Entry) -> str:
    """Return the fund that bears a gift's processing fee."""
    return given(entry)[2] if entry.data["fee_borne_by"] == "giver" else FEE_FUND_OF_CHARITY


def _spending(entry: Entry) -> Publication:
    """Spending that is linked to no person, line by line: what it was for stands in the account."""
    expense = next(p for p in entry.postings if p.account.startswith("expenses:"))
    cash = OwnedPosting("assets:cash", expense.asset, expense.fund, -expense.amount)
    paid = OwnedPosting(expense.account, expense.asset, expense.fund, expense.amount)
    named = entry.data["vendor_named"] == "yes"
    return Publication(entry.type, {}, (paid, cash), entry.period, names_vendor=named)


def _payout(entry: Entry, policy: Policy) -> Decision:
    """Only round payouts: exact ones, less the public gifts, tell what hidden gifts were worth (attacks B9, X7)."""
    bank = [p for p in entry.postings if p.account.startswith("assets:bank")]
    amount = sum(p.amount for p in bank)
    if amount <= 0 or amount % policy.payout_step_minor:
        return NotPublished()
    return Publication(entry.type, {"amount": str(amount), "asset": bank[0].asset}, (), entry.period)
