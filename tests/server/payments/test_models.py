"""What is read of the provider's objects: strict where money moves, forgiving where something is only described."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from server.payments.models import AMOUNT_MINOR_MAX, BalanceTransaction, Charge, PaymentIntent
from tests.server.payments.builders import charge, intent, movement


def test_members_that_we_do_not_know_are_no_obstacle() -> None:
    assert PaymentIntent.model_validate(intent() | {"invented_in": "2031"}).amount_received == 10330


@pytest.mark.parametrize("amount", [0, 1, AMOUNT_MINOR_MAX])
def test_whole_amounts_within_reason_are_read(amount: int) -> None:
    assert Charge.model_validate(charge(amount_captured=amount)).amount_captured == amount


@pytest.mark.parametrize("amount", ["1", 1.0, True, -1, AMOUNT_MINOR_MAX + 1, None])
def test_no_other_amount_is_read(amount: object) -> None:
    with pytest.raises(ValidationError):
        Charge.model_validate(charge(amount_captured=amount))


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("txn_1", "txn_1"),
        ({"id": "txn_1", "object": "balance_transaction"}, "txn_1"),
        (None, None),
        ({}, None),
        (7, None),
        ("a b", None),
    ],
)
def test_a_reference_is_an_id_however_it_is_given(value: object, read: str | None) -> None:
    assert Charge.model_validate(charge(balance_transaction=value)).balance_transaction == read


@pytest.mark.parametrize("value", [None, "text", 7, [], [{"fund": "rent"}]])
def test_descriptions_of_another_kind_read_as_empty(value: object) -> None:
    read = Charge.model_validate(charge(metadata=value, billing_details=value, payment_method_details=value))
    assert read.metadata == read.billing_details == read.payment_method_details == {}


@pytest.mark.parametrize(
    "change", [{"fee": -1}, {"fee": "0"}, {"currency": "USD"}, {"created": 0}, {"id": ""}, {"type": None}]
)
def test_a_movement_that_is_not_sound_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        BalanceTransaction.model_validate(movement() | change)


def test_a_movement_may_lower_the_balance() -> None:
    assert BalanceTransaction.model_validate(movement(amount=-500)).amount == -500
