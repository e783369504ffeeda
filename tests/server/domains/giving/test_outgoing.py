"""Money after it was given: every decision balances, and none pays out more than there is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.registry import Registry
from ledger.types import Entry, Posting
from server import chart
from server.domains.giving import events, outgoing
from server.domains.giving import outgoing_types as types
from server.domains.giving.decide import Decided, NoGift, OtherAsset
from server.domains.giving.events import NewEvent
from server.domains.giving.outgoing import Given, NotCovered, NotPaid, NotRound, TooMuch, fold_given
from server.domains.giving.outgoing_commands import (
    MakePayout,
    PayHelp,
    PaySpending,
    RecordDispute,
    RecordRefund,
    SetFloat,
    SettleGift,
)

OWNER = b"g" * 32
NOON_S = 1_764_072_000
STEP = 100_000
GIFT = Given(7, "USD/2", "rent", 5_000, 0)
REGISTRY = Registry(events.BOOKS_TYPES, chart.BOOKS_GUARDS)


def entry(event: NewEvent, position: int) -> Entry:
    lines = tuple(Posting(p.account, p.asset, p.fund, p.amount) for p in event.postings)
    return Entry("b", position, bytes(32), 0, "2025-11", event.type, event.data, lines, refers_to=event.refers_to)


def booked_gift(amount: int = 5_000) -> Entry:
    lines = (
        Posting("assets:stripe:pending", "USD/2", "rent", amount),
        Posting("income:gifts:restricted", "USD/2", "rent", -amount),
    )
    data = {"fee_borne_by": "giver", "via": "processor", "visibility": "live", "effective_on": "2025-11-25"}
    return Entry("b", 7, bytes(32), 0, "2025-11", events.GIFT_RECEIVED, data, lines)


def event_of(decision: object) -> NewEvent:
    assert isinstance(decision, Decided), decision
    return decision.event


def refund(amount: int, asset: str = "USD/2") -> RecordRefund:
    return RecordRefund(amount, asset, NOON_S)


def every(amount: int) -> list[NewEvent]:
    """Every event that this module builds, for that amount."""
    paid = event_of(outgoing.pay_help(PayHelp(amount, "USD/2", "rent", "tech", NOON_S), UTC))
    gift = replace(GIFT, amount_minor=amount)
    disputes = [RecordDispute(amount, "USD/2", outcome, NOON_S) for outcome in ("opened", "won", "lost")]
    spending = PaySpending(amount, "USD/2", "rent", "payroll", vendor_named=False, occurred_at_s=NOON_S)
    decisions: list[Any] = [
        outgoing.settle_gift(gift, SettleGift(amount, "USD/2", NOON_S), UTC, OWNER),
        outgoing.record_refund(gift, refund(amount), UTC, OWNER),
        *(outgoing.record_dispute(gift, dispute, UTC, OWNER) for dispute in disputes),
        outgoing.set_float(SetFloat(amount * STEP, "USD/2", "rent", "help", NOON_S), STEP, amount * STEP, UTC),
        outgoing.return_help(entry(paid, 9), date(2025, 11, 26)),
        outgoing.pay_spending(spending, amount, UTC),
        outgoing.make_payout(MakePayout(amount, "USD/2", "rent", NOON_S), UTC),
    ]
    return [paid, *map(event_of, decisions)]


@given(st.integers(1, 10**12))
def test_every_event_balances_in_declared_accounts_and_fits_its_type(amount: int) -> None:
    accounts = {account.path for account in chart.BOOKS_ACCOUNTS}
    found = every(amount)
    assert {event.type for event in found} == {spec.name for spec in types.TYPES}
    for event in found:
        assert sum(p.amount for p in event.postings) == 0
        assert {p.account for p in event.postings} <= accounts
        REGISTRY.check_data(event.type, event.data)
        assert set(event.slots) <= {slot.name for slot in REGISTRY.types[event.type].slots}


@given(st.lists(st.integers(1, 3_000), max_size=8))
def test_refunds_never_add_up_to_more_than_the_gift(amounts: list[int]) -> None:
    """Attacks A14."""
    seen = [booked_gift()]
    for amount in amounts:
        decision = outgoing.record_refund(fold_given(seen), refund(amount), UTC, OWNER)
        if isinstance(decision, Decided):
            seen.append(entry(decision.event, 8 + len(seen)))
        else:
            assert isinstance(decision, TooMuch)
    folded = fold_given(seen)
    assert folded is not None
    assert folded.refunded_minor <= folded.amount_minor == 5_000


def test_what_is_left_of_a_gift_is_said_when_more_is_asked_back() -> None:
    assert outgoing.record_refund(replace(GIFT, refunded_minor=4_000), refund(1_001), UTC, OWNER) == TooMuch(1_000)
    assert "1000" in str(TooMuch(1_000))


@pytest.mark.parametrize(
    "decide",
    [
        lambda gift: outgoing.record_refund(gift, refund(5, "JPY"), UTC, OWNER),
        lambda gift: outgoing.settle_gift(gift, SettleGift(5, "JPY", NOON_S), UTC, OWNER),
        lambda gift: outgoing.record_dispute(gift, RecordDispute(5, "JPY", "won", NOON_S), UTC, OWNER),
    ],
)
def test_what_follows_a_gift_needs_it_in_its_own_currency(decide: Any) -> None:
    assert decide(None) == NoGift()
    assert decide(GIFT) == OtherAsset("USD/2", "JPY")
    assert fold_given([]) is None


@pytest.mark.parametrize("amount", [0, -STEP, 1, STEP - 1, STEP + 1])
def test_money_is_set_aside_in_round_steps_only(amount: int) -> None:
    """Attacks B9."""
    decision = outgoing.set_float(SetFloat(amount, "USD/2", "rent", "help", NOON_S), STEP, 10 * STEP, UTC)
    assert decision == NotRound(STEP)


def test_what_is_not_published_can_be_neither_set_aside_nor_spent() -> None:
    """Attacks B5, B14: and the refusal tells no balance."""
    aside = SetFloat(STEP, "USD/2", "rent", "help", NOON_S)
    assert outgoing.set_float(aside, STEP, STEP - 1, UTC) == NotCovered()
    spending = PaySpending(101, "USD/2", "general", "services", vendor_named=True, occurred_at_s=NOON_S)
    assert outgoing.pay_spending(spending, 100, UTC) == NotCovered()
    assert not any(character.isdigit() for character in str(NotCovered()))


def test_only_help_that_was_paid_can_come_back() -> None:
    assert outgoing.return_help(booked_gift(), date(2025, 11, 26)) == NotPaid()


def test_whom_help_was_for_and_whom_it_was_paid_to_stand_in_private_slots_alone() -> None:
    """Attacks B7."""
    private = {"person": {"id": "p-7"}, "vendor": {"slug": "landlord"}}
    event = event_of(outgoing.pay_help(PayHelp(5, "USD/2", "rent", "rent", NOON_S, private), UTC))
    assert event.data == {"effective_on": "2025-11-25"}
    assert {name: event.slots[name] for name in private} == private
