"""Notices as the provider sends them, for tests: the simulator's own shapes with a few members changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from server.simulators.stripe import shapes
from server.simulators.stripe.shapes import Card, Ids, Payment, Person, Settlement

IDS = Ids("pi_test1", "ch_test1", "txn_test1", "pm_test1", "cus_test1")
PERSON = Person("Ada Abara", "ada@example.org", "80014", "US")
CARD = Card("visa", "US", "credit", "4242")
CREATED_S = 1_764_000_000  # 2025-11-24 16:00 UTC

SECRET = "whsec_new"
OLD_SECRET = "whsec_old"


@dataclass
class WebhookSettings:
    mode: str = "test"
    stripe_webhook_secrets: tuple[str, ...] = (SECRET, OLD_SECRET)
    webhook_tolerance_s: int = 300
    webhook_body_bytes_max: int = 524_288


def intent(ids: Ids = IDS, amount: int = 10330, currency: Any = "usd", **changes: Any) -> dict[str, Any]:
    metadata = changes.pop("metadata", {"fund": "rent", "nonce": "n0nce"})
    thing = shapes.payment_intent(Payment(ids, amount, currency, metadata, PERSON, CARD, CREATED_S), succeeded=True)
    return thing | changes


def charge(
    ids: Ids = IDS, amount: int = 10330, currency: str = "usd", *, settled: bool = True, **changes: Any
) -> dict[str, Any]:
    metadata = changes.pop("metadata", {"fund": "rent", "nonce": "n0nce"})
    thing = shapes.charge(Payment(ids, amount, currency, metadata, PERSON, CARD, CREATED_S), settled=settled)
    return thing | changes


def movement(
    ids: Ids = IDS, amount: int = 10330, fee: int = 330, currency: str = "usd", **changes: Any
) -> dict[str, Any]:
    return shapes.balance_transaction(ids, Settlement(amount, currency, fee), CREATED_S) | changes


def event(event_type: str, thing: object, event_id: str = "evt_test1", **changes: Any) -> bytes:
    made = shapes.event(event_id, event_type, {}, CREATED_S)
    # The standard library's encoder: it writes what orjson refuses, such as integers beyond 64 bits.
    return json.dumps(made | {"data": {"object": thing}} | changes).encode()
