"""What giving can be asked to record of money after it was given. Pure.

Amounts are minor units of `asset`; times are seconds since 1970 UTC. `private` holds values of the entry's private
slots by name: the person, the vendor, the approvers, the invoice. They are sealed before they reach the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

HelpCategory = Literal["rent", "tech", "transport"]
SpendingCategory = Literal["equipment", "payroll", "services"]
FloatPurpose = Literal["help", "reversals"]
Outcome = Literal["lost", "opened", "won"]


@dataclass(frozen=True, slots=True)
class SettleGift:
    """The provider has made a gift's money available; `amount_minor` is what it kept nothing of."""

    amount_minor: int
    asset: str
    occurred_at_s: int
    private: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordRefund:
    """The provider has paid `amount_minor` of a gift back."""

    amount_minor: int
    asset: str
    occurred_at_s: int
    private: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordDispute:
    """A giver's bank disputes `amount_minor` of a gift, or has decided about it."""

    amount_minor: int
    asset: str
    outcome: Outcome
    occurred_at_s: int
    private: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SetFloat:
    """Set money of a fund aside, in round steps, before any of it is spent where nobody outside sees it."""

    amount_minor: int
    asset: str
    fund: str
    purpose: FloatPurpose
    occurred_at_s: int
    private: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PayHelp:
    """Help for one person, paid to a vendor out of the fund's float."""

    amount_minor: int
    asset: str
    fund: str
    category: HelpCategory
    occurred_at_s: int
    private: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PaySpending:
    """Spending that is linked to no person. `vendor_named`: the vendor agreed to stand in public by name."""

    amount_minor: int
    asset: str
    fund: str
    category: SpendingCategory
    vendor_named: bool
    occurred_at_s: int
    private: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MakePayout:
    """The provider has sent `amount_minor` of a fund's money to the bank."""

    amount_minor: int
    asset: str
    fund: str
    occurred_at_s: int
    private: Mapping[str, object] = field(default_factory=dict)
