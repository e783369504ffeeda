"""What giving can be asked to record. Pure. Both are facts that a provider reports, so no want of cover refuses them.

`private` holds values of the entry's private slots by name; they are sealed before they reach the ledger.
Times are seconds since 1970 UTC, as the provider states them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Visibility = Literal["live", "quiet", "hidden"]
Via = Literal["processor", "bank", "cash", "kind"]


@dataclass(frozen=True, slots=True)
class ReceiveGift:
    """Money was given: `amount_minor` of `asset`, for `fund` (None: wherever it is needed most)."""

    amount_minor: int
    asset: str
    fund: str | None
    cover_fees: bool
    visibility: Visibility
    occurred_at_s: int
    via: Via = "processor"
    private: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordFee:
    """The provider kept `fee_minor` of `asset` for a gift; `balance_transaction` is its name for the movement."""

    fee_minor: int
    asset: str
    occurred_at_s: int
    balance_transaction: str
    private: Mapping[str, object] = field(default_factory=dict)
