"""What a provider's notice means for the books: a gift, a hint about a fee, nothing, or not handled yet. Pure.

The order of delivery is never trusted: whichever of a payment's events comes first makes the gift, and each carries
enough to do so (design/operations.md "Gift rules"). The outcome's reasons are shown to people and hold nobody's data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from pydantic import ValidationError

from server.domains.giving.commands import ReceiveGift, Visibility
from server.payments.currencies import asset_of
from server.payments.event_types import is_never_money
from server.payments.models import Charge, Event, PaymentIntent

TEXT_LEN_MAX = 500
"""The provider's own limit for a metadata value; longer texts can only come from elsewhere and are cut."""
YES = frozenset({"true", "1", "yes", "on"})
_VISIBILITIES: Mapping[str, Visibility] = {"": "live", "live": "live", "quiet": "quiet", "hidden": "hidden"}


@dataclass(frozen=True, slots=True)
class FeeReference:
    """Where to ask what a payment cost: the most exact of the three that is known."""

    payment_intent: str | None = None
    charge: str | None = None
    balance_transaction: str | None = None


@dataclass(frozen=True, slots=True)
class Gift:
    """`payment` gave; it is the PaymentIntent's id, or the Charge's where there is no PaymentIntent."""

    payment: str
    command: ReceiveGift
    fee: FeeReference


@dataclass(frozen=True, slots=True)
class FeeHint:
    """The provider now knows more about what `payment` cost."""

    payment: str
    fee: FeeReference


@dataclass(frozen=True, slots=True)
class Ignored:
    """Never money, or money that is told of by another event."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unhandled:
    """Perhaps money, and nothing here knows what to do with it: it stays sealed and is shown."""

    reason: str


Translation = Gift | FeeHint | Ignored | Unhandled


def translate(body: bytes) -> Translation:
    """Return what the notice in `body` means; never raises for anything a provider could send."""
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Unhandled("the body is not JSON")
    if not isinstance(raw, dict):
        return Unhandled("the body is not a JSON object")
    event_type = raw.get("type")
    if isinstance(event_type, str) and is_never_money(event_type):
        return Ignored("this type never moves money")
    try:
        event = Event.model_validate(raw)
        if event.account is not None:
            return Unhandled("it is about a connected account, not our own")
        return _translate(event)
    except ValidationError as error:
        return Unhandled(_first_fault(error))


def _translate(event: Event) -> Translation:
    match event.type:
        case "payment_intent.succeeded":
            return _payment_intent(event, PaymentIntent.model_validate(event.data.get("object")))
        case "charge.succeeded" | "charge.captured":
            return _charge(event, Charge.model_validate(event.data.get("object")))
        case "charge.updated":
            charge = Charge.model_validate(event.data.get("object"))
            if charge.balance_transaction is None:
                return Ignored("the charge has no balance transaction yet")
            return FeeHint(charge.payment_intent or charge.id, _fee_reference(charge))
        case _:
            return Unhandled("no handler for this type yet")


def _payment_intent(event: Event, intent: PaymentIntent) -> Translation:
    if intent.amount_received == 0:
        return Ignored("nothing was received")
    private = {
        "giver": _present(customer=intent.customer),
        "contact": _present(email=_text(intent.receipt_email)),
        "provider_objects": _present(payment_intent=intent.id, charge=intent.latest_charge),
    }
    command = _gift(event, intent.amount_received, intent.currency, intent.metadata, private)
    return Gift(intent.id, command, FeeReference(payment_intent=intent.id, charge=intent.latest_charge))


def _charge(event: Event, charge: Charge) -> Translation:
    if not charge.captured or charge.amount_captured == 0:
        return Ignored("authorised, not captured")
    if charge.status != "succeeded":
        return Unhandled("the charge has not succeeded")
    billing = charge.billing_details
    private = {
        "giver": _present(customer=charge.customer, name=_text(billing.get("name"))),
        "contact": _present(
            email=_text(charge.receipt_email) or _text(billing.get("email")), phone=_text(billing.get("phone"))
        ),
        "provider_objects": _present(
            payment_intent=charge.payment_intent, charge=charge.id, balance_transaction=charge.balance_transaction
        ),
        "method": _method(charge.payment_method_details),
    }
    command = _gift(event, charge.amount_captured, charge.currency, charge.metadata, private)
    return Gift(charge.payment_intent or charge.id, command, _fee_reference(charge))


def _gift(
    event: Event, amount_minor: int, currency: str, metadata: Mapping[str, object], private: Mapping[str, object]
) -> ReceiveGift:
    """Read the giver's choices. One that we do not understand is read as the most private: telling cannot be undone."""
    visibility = (_text(metadata.get("visibility")) or "").lower()
    slots = {
        **private,
        "nonce": _text(metadata.get("nonce")),
        "note": _text(metadata.get("note")),
        "request": {"created": event.created, "event": event.id, "type": event.type},
    }
    return ReceiveGift(
        amount_minor=amount_minor,
        asset=asset_of(currency),
        fund=_text(metadata.get("fund")),
        cover_fees=metadata.get("cover_fees") is True or (_text(metadata.get("cover_fees")) or "").lower() in YES,
        visibility=_VISIBILITIES.get(visibility, "hidden"),
        occurred_at_s=event.created,
        private={name: value for name, value in slots.items() if value},
    )


def _method(details: Mapping[str, object]) -> dict[str, object]:
    """Keep of the payment method what a statement shows: its kind, and of a card the brand, country and last digits."""
    kind = _text(details.get("type"))
    of_kind = details.get(kind) if kind else None
    parts = of_kind if isinstance(of_kind, dict) else {}
    names = ("brand", "country", "funding", "last4")
    return _present(type=kind, **{name: _text(parts.get(name)) for name in names})


def _fee_reference(charge: Charge) -> FeeReference:
    return FeeReference(charge.payment_intent, charge.id, charge.balance_transaction)


def _text(value: object) -> str | None:
    """Return what people wrote, trimmed and cut; numbers as their text; None for anything else or nothing."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    return value.strip()[:TEXT_LEN_MAX] or None


def _present(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _first_fault(error: ValidationError) -> str:
    """Say where the first fault lies and what was expected there; never the offending value, which may be personal."""
    fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in fault["loc"]) or "the object"
    return f"malformed: {where}: {fault['msg'].lower()}"
