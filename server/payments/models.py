"""What we read of the provider's objects, and nothing else of them. Pure (reference b.2.1 S12).

The parts that move money are strict: an amount that is text, a fraction or negative is not a small mistake to repair.
The parts that only describe are taken as they come: a strange note or address must never keep a gift out of the books.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from server.payments.notices import reference

AMOUNT_MINOR_MAX = 10**15
TIME_S_MAX = 253_402_300_799 - 86_400
"""One day before the end of year 9999, so that every time zone can still name the day."""


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,255}$")]
Amount = Annotated[int, Field(ge=0, le=AMOUNT_MINOR_MAX)]
Seconds = Annotated[int, Field(gt=0, le=TIME_S_MAX)]
Currency = Annotated[str, Field(pattern=r"^[a-z]{3}$")]
Reference = Annotated[str | None, BeforeValidator(reference)]
"""An id, an expanded object, or null: whatever it is, only the id counts, and without one it is None."""
Loose = Annotated[Mapping[str, object], BeforeValidator(_mapping)]
"""An object that only describes; anything else than an object reads as an empty one."""


class ProviderObject(BaseModel):
    """Base of everything read from the provider: unknown members are ignored, types are not guessed."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class PaymentIntent(ProviderObject):
    """The payment as the giver made it."""

    id: Id
    amount_received: Amount
    currency: Currency
    latest_charge: Reference = None
    customer: Reference = None
    receipt_email: object = None
    metadata: Loose = {}


class Charge(ProviderObject):
    """One attempt to move the money; a payment has at most one that succeeded."""

    id: Id
    amount_captured: Amount
    captured: bool
    currency: Currency
    status: str
    payment_intent: Reference = None
    balance_transaction: Reference = None
    customer: Reference = None
    receipt_email: object = None
    billing_details: Loose = {}
    payment_method_details: Loose = {}
    metadata: Loose = {}


class BalanceTransaction(ProviderObject):
    """A movement on the provider's account of ours: the only truth about a fee (reference b.2.1 S16)."""

    id: Id
    amount: Annotated[int, Field(ge=-AMOUNT_MINOR_MAX, le=AMOUNT_MINOR_MAX)]
    fee: Amount
    currency: Currency
    created: Seconds
    exchange_rate: float | int | None = None
    fee_details: object = None
    source: Reference = None
    type: str


class Event(ProviderObject):
    """A notice's envelope. `account` is there when it is about somebody else's account that is connected to ours."""

    id: Id
    type: str
    created: Seconds
    account: Reference = None
    data: Loose = {}
