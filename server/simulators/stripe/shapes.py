"""The provider's objects with every member that the real ones have. Pure (reference b.2.4).

A test holds these against the provider's own published examples, so that a demo cannot teach us shapes nobody sends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

API_VERSION = "2026-10-28.endive"
HOUR_S = 3600
SETTLES_AFTER_S = 2 * 24 * HOUR_S

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Card:
    """A card as a charge shows it."""

    brand: str
    country: str
    funding: str
    last4: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who gives."""

    name: str
    email: str
    postal_code: str
    country: str


@dataclass(frozen=True, slots=True)
class Ids:
    """The provider's names for one payment and its parts. `payment_intent` is None for a charge made directly."""

    payment_intent: str | None
    charge: str
    balance_transaction: str
    payment_method: str
    customer: str | None


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment: what its intent and its charge have in common. `created` is in seconds since 1970."""

    ids: Ids
    amount: int
    currency: str
    metadata: dict[str, str]
    person: Person
    card: Card
    created: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What the provider put on its account for us: in the account's currency, after its fee."""

    amount: int
    currency: str
    fee: int
    exchange_rate: float | None = None


def payment_intent(payment: Payment, *, succeeded: bool) -> Object:
    """A PaymentIntent, succeeded or still waiting for its payment method."""
    ids, amount = payment.ids, payment.amount
    return {
        "id": ids.payment_intent,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": amount if succeeded else 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{ids.payment_intent}_secret_{ids.charge[-12:]}",
        "confirmation_method": "automatic",
        "created": payment.created,
        "currency": payment.currency,
        "customer": ids.customer,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": ids.charge if succeeded else None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": payment.metadata,
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": ids.payment_method if succeeded else None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card", "link"],
        "processing": None,
        "receipt_email": payment.person.email,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded" if succeeded else "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def charge(payment: Payment, *, settled: bool) -> Object:
    """A captured Charge; `settled` says whether its balance transaction is known already."""
    ids, amount = payment.ids, payment.amount
    return {
        "id": ids.charge,
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": ids.balance_transaction if settled else None,
        "billing_details": _billing_details(payment.person),
        "calculated_statement_descriptor": "SECONDWIND GIFT",
        "captured": True,
        "created": payment.created,
        "currency": payment.currency,
        "customer": ids.customer,
        "description": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": payment.metadata,
        "on_behalf_of": None,
        "outcome": {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 12,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": ids.payment_intent,
        "payment_method": ids.payment_method,
        "payment_method_details": {"card": _card_details(payment.card, amount), "type": "card"},
        "receipt_email": payment.person.email,
        "receipt_number": None,
        "receipt_url": f"https://pay.stripe.com/receipts/payment/{ids.charge}",
        "refunded": False,
        "refunds": {"data": [], "has_more": False, "object": "list", "url": f"/v1/charges/{ids.charge}/refunds"},
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


def balance_transaction(ids: Ids, settlement: Settlement, created: int) -> Object:
    """The movement on the account that a charge led to."""
    parts = [
        {
            "amount": settlement.fee,
            "application": None,
            "currency": settlement.currency,
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
    return {
        "id": ids.balance_transaction,
        "object": "balance_transaction",
        "amount": settlement.amount,
        "available_on": (created + SETTLES_AFTER_S) // (24 * HOUR_S) * (24 * HOUR_S),
        "balance_type": "payments",
        "created": created,
        "currency": settlement.currency,
        "description": None,
        "exchange_rate": settlement.exchange_rate,
        "fee": settlement.fee,
        "fee_details": parts if settlement.fee else [],
        "net": settlement.amount - settlement.fee,
        "reporting_category": "charge",
        "source": ids.charge,
        "status": "pending",
        "type": "charge",
    }


def payout(payout_id: str, transaction_id: str, amount: int, currency: str, created: int) -> Object:
    """Money on its way from the provider to a bank: something that the service is told of and does not handle yet."""
    return {
        "id": payout_id,
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": created + SETTLES_AFTER_S,
        "automatic": True,
        "balance_transaction": transaction_id,
        "created": created,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": f"ba_{payout_id[3:]}",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "in_transit",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }


def event(event_id: str, event_type: str, thing: Object, created: int, previous: Object | None = None) -> Object:
    """The envelope in which the provider tells of a thing; `previous` holds the members that an update changed."""
    data: Object = {"object": thing}
    if previous is not None:
        data["previous_attributes"] = previous
    return {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": created,
        "data": data,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": event_type,
    }


def error(message: str, *, code: str | None = None, param: str | None = None) -> Object:
    """The body of a refusal."""
    body: Object = {"message": message, "type": "invalid_request_error"}
    if code is not None:
        body |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"}
    if param is not None:
        body["param"] = param
    return {"error": body}


def _billing_details(person: Person) -> Object:
    address: Object = dict.fromkeys(("city", "line1", "line2", "state"))
    return {
        "address": {**address, "country": person.country, "postal_code": person.postal_code},
        "email": person.email,
        "name": person.name,
        "phone": None,
        "tax_id": None,
    }


def _card_details(card: Card, amount: int) -> Object:
    return {
        "amount_authorized": amount,
        "authorization_code": None,
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": "pass", "cvc_check": "pass"},
        "country": card.country,
        "exp_month": 8,
        "exp_year": 2030,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": f"fp{card.last4}{card.brand}",
        "funding": card.funding,
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card.last4,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": "100000000000000",
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "transaction_link_id": None,
        "wallet": None,
    }
