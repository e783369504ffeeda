"""The simulator's objects against the provider's own published examples, where that file is at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from server.simulators.stripe import shapes
from server.simulators.stripe.shapes import Payment
from tests.server.payments.builders import CARD, CREATED_S, IDS, PERSON, charge, intent, movement

FIXTURES = Path(__file__).parents[5] / "shared" / "fixtures" / "stripe" / "fixtures3.json"
needs_fixtures = pytest.mark.skipif(
    not FIXTURES.exists(), reason="the provider's example objects are not on this machine"
)

OURS = {
    "payment_intent": intent(),
    "charge": charge(),
    "balance_transaction": movement(),
    "payout": shapes.payout("po_test1", "txn_2", 100, "usd", 1),
    "event": shapes.event("evt_1", "charge.succeeded", {}, 1),
}


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    resources: dict[str, Any] = json.loads(FIXTURES.read_text(encoding="utf-8"))["resources"]
    return resources


@needs_fixtures
@pytest.mark.parametrize("kind", sorted(OURS))
def test_an_object_has_exactly_the_members_that_the_real_one_has(kind: str, published: dict[str, Any]) -> None:
    assert sorted(OURS[kind]) == sorted(published[kind])


@needs_fixtures
@pytest.mark.parametrize("kind", sorted(OURS))
def test_a_member_has_the_kind_of_value_that_the_real_one_has(kind: str, published: dict[str, Any]) -> None:
    for member, real in published[kind].items():
        mine = OURS[kind][member]
        if real is not None and mine is not None:
            assert type(mine) is type(real), member


@needs_fixtures
def test_the_card_and_its_outcome_are_whole(published: dict[str, Any]) -> None:
    real, mine = published["charge"], OURS["charge"]
    assert sorted(mine["payment_method_details"]["card"]) == sorted(real["payment_method_details"]["card"])
    assert set(mine["outcome"]) >= set(real["outcome"])
    assert sorted(mine["billing_details"]) == sorted(real["billing_details"])
    assert sorted(mine["billing_details"]["address"]) == sorted(real["billing_details"]["address"])


def test_amounts_of_a_movement_add_up() -> None:
    made = movement(amount=10330, fee=330)
    assert made["net"] == made["amount"] - made["fee"] == 10000
    assert sum(part["amount"] for part in made["fee_details"]) == made["fee"]


def test_a_movement_without_a_fee_has_no_parts() -> None:
    assert movement(fee=0)["fee_details"] == []


def test_an_intent_that_has_not_succeeded_has_received_nothing() -> None:
    payment = Payment(IDS, 500, "usd", {}, PERSON, CARD, CREATED_S)
    waiting = shapes.payment_intent(payment, succeeded=False)
    assert (waiting["amount_received"], waiting["latest_charge"], waiting["status"]) == (
        0,
        None,
        "requires_payment_method",
    )
