"""The list of types that never move money, held against the types that do."""

from __future__ import annotations

import pytest

from server.payments.event_types import NEVER_MONEY, is_never_money

MONEY = [
    "payment_intent.succeeded",
    "payment_intent.partially_funded",
    "charge.succeeded",
    "charge.captured",
    "charge.updated",
    "charge.refunded",
    "refund.created",
    "refund.failed",
    "charge.refund.updated",
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.closed",
    "transfer.created",
    "transfer.reversed",
    "payout.paid",
    "payout.failed",
    "balance.available",
    "topup.succeeded",
    "reserve.hold.created",
    "application_fee.created",
    "invoice.paid",
    "customer_cash_balance_transaction.created",
    "credit_note.created",
    "issuing_transaction.created",
]


@pytest.mark.parametrize("event_type", MONEY)
def test_what_moves_money_is_never_set_aside(event_type: str) -> None:
    assert not is_never_money(event_type)


@pytest.mark.parametrize("name", NEVER_MONEY)
def test_each_name_sets_aside_itself_or_its_family(name: str) -> None:
    assert is_never_money(name if not name.endswith(".") else f"{name}anything")
    assert not is_never_money(f"x{name}")


@pytest.mark.parametrize(
    "event_type", ["", "customer", "customerx.created", "payment_intent", "charge.failed.later", "unheard.of"]
)
def test_what_is_only_similar_or_unknown_is_kept_for_a_person(event_type: str) -> None:
    assert not is_never_money(event_type)


def test_the_list_is_in_order_and_says_nothing_twice() -> None:
    assert sorted(set(NEVER_MONEY)) == list(NEVER_MONEY)
