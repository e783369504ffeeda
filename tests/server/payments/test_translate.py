"""What notices mean: gifts from strict amounts, wishes taken as they come, and nothing whatsoever raises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.payments.translate import TEXT_LEN_MAX, FeeHint, FeeReference, Gift, Ignored, Unhandled, translate
from tests.server.payments.builders import CREATED_S, charge, event, intent

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
JSON = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=10), SCALARS, max_size=3)


def gift(body: bytes) -> Gift:
    translation = translate(body)
    assert isinstance(translation, Gift), translation
    return translation


def test_a_succeeded_payment_intent_is_a_gift_of_what_was_received() -> None:
    made = gift(event("payment_intent.succeeded", intent(amount_received=9000)))
    assert made.payment == "pi_test1"
    assert made.fee == FeeReference(payment_intent="pi_test1", charge="ch_test1")
    assert (made.command.amount_minor, made.command.asset, made.command.fund) == (9000, "USD/2", "rent")
    assert made.command.occurred_at_s == CREATED_S


def test_a_charge_is_a_gift_of_the_same_payment_and_knows_its_movement() -> None:
    made = gift(event("charge.succeeded", charge(amount_captured=9000)))
    assert made.payment == "pi_test1"
    assert made.fee == FeeReference("pi_test1", "ch_test1", "txn_test1")
    assert made.command.amount_minor == 9000


def test_a_charge_without_payment_intent_stands_for_itself() -> None:
    assert gift(event("charge.succeeded", charge(payment_intent=None))).payment == "ch_test1"


def test_expanded_objects_count_as_their_ids() -> None:
    thing = charge(payment_intent={"id": "pi_test1"}, balance_transaction={"id": "txn_9"}, customer={"id": "cus_9"})
    made = gift(event("charge.succeeded", thing))
    assert made.fee == FeeReference("pi_test1", "ch_test1", "txn_9")
    assert made.command.private["giver"] == {"customer": "cus_9", "name": "Ada Abara"}


def test_an_authorised_charge_is_no_gift_until_it_is_captured() -> None:
    assert translate(event("charge.succeeded", charge(captured=False, amount_captured=0))) == Ignored(
        "authorised, not captured"
    )
    assert gift(event("charge.captured", charge(amount_captured=5000))).command.amount_minor == 5000


def test_a_captured_charge_that_has_not_succeeded_is_kept_for_a_person() -> None:
    assert translate(event("charge.succeeded", charge(status="pending"))) == Unhandled("the charge has not succeeded")


def test_an_updated_charge_hints_at_the_fee_once_its_movement_is_known() -> None:
    hint = translate(event("charge.updated", charge()))
    assert hint == FeeHint("pi_test1", FeeReference("pi_test1", "ch_test1", "txn_test1"))
    assert isinstance(translate(event("charge.updated", charge(settled=False))), Ignored)


def test_private_facts_stay_in_slots() -> None:
    private = gift(
        event("charge.succeeded", charge(metadata={"nonce": "n0nce", "note": " for grandma "}))
    ).command.private
    assert private == {
        "giver": {"customer": "cus_test1", "name": "Ada Abara"},
        "contact": {"email": "ada@example.org"},
        "provider_objects": {"payment_intent": "pi_test1", "charge": "ch_test1", "balance_transaction": "txn_test1"},
        "method": {"type": "card", "brand": "visa", "country": "US", "funding": "credit", "last4": "4242"},
        "nonce": "n0nce",
        "note": "for grandma",
        "request": {"created": CREATED_S, "event": "evt_test1", "type": "charge.succeeded"},
    }


@pytest.mark.parametrize(
    "metadata", [{}, None, [], "rent", {"fund": ""}, {"fund": "  "}, {"fund": None}, {"fund": ["rent"]}]
)
def test_without_a_fund_the_gift_is_for_wherever_it_is_needed(metadata: object) -> None:
    assert gift(event("payment_intent.succeeded", intent(metadata=metadata))).command.fund is None


@pytest.mark.parametrize(
    ("written", "read"),
    [(" rent ", "rent"), ("Miete für Zoë", "Miete für Zoë"), ("x" * 10_240, "x" * TEXT_LEN_MAX), (5, "5")],
)
def test_a_fund_is_read_as_written_and_never_longer_than_the_provider_allows(written: object, read: str) -> None:
    assert gift(event("payment_intent.succeeded", intent(metadata={"fund": written}))).command.fund == read


@pytest.mark.parametrize(
    ("written", "covered"),
    [
        ("true", True),
        ("TRUE", True),
        ("1", True),
        (1, True),
        (True, True),
        ("yes", True),
        ("false", False),
        ("", False),
        (0, False),
        (None, False),
        ({}, False),
    ],
)
def test_covering_fees_is_a_plain_yes(written: object, *, covered: bool) -> None:
    assert (
        gift(event("payment_intent.succeeded", intent(metadata={"cover_fees": written}))).command.cover_fees is covered
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (None, "live"),
        ("", "live"),
        ("live", "live"),
        ("Quiet", "quiet"),
        ("hidden", "hidden"),
        ("anonymous", "hidden"),
        ("no!", "hidden"),
    ],
)
def test_a_visibility_that_is_not_understood_is_the_most_private_one(written: object, read: str) -> None:
    assert gift(event("payment_intent.succeeded", intent(metadata={"visibility": written}))).command.visibility == read


@pytest.mark.parametrize("amount", [-1, "10330", 103.5, True, None, 10**15 + 1, 10**30, [], "1e3"])
def test_an_amount_that_is_not_plainly_one_is_unhandled_and_never_repaired(amount: object) -> None:
    for body in (
        event("payment_intent.succeeded", intent(amount_received=amount)),
        event("charge.succeeded", charge(amount_captured=amount)),
    ):
        translation = translate(body)
        assert isinstance(translation, Unhandled)
        assert translation.reason.startswith("malformed: amount_")
        assert "10330" not in translation.reason


def test_nothing_received_is_no_gift() -> None:
    assert translate(event("payment_intent.succeeded", intent(amount_received=0))) == Ignored("nothing was received")


@pytest.mark.parametrize("currency", ["USD", "us", "usd ", None, 840, "u\u0000d"])
def test_a_currency_must_be_a_currency_code(currency: object) -> None:
    assert isinstance(translate(event("payment_intent.succeeded", intent(currency=currency))), Unhandled)


@pytest.mark.parametrize("created", [0, -5, 10**12, "now", None, 1.5])
def test_a_time_that_is_none_is_unhandled(created: object) -> None:
    assert isinstance(translate(event("payment_intent.succeeded", intent(), created=created)), Unhandled)


def test_money_of_a_connected_account_is_not_ours() -> None:
    assert translate(event("payment_intent.succeeded", intent(), account="acct_1")) == Unhandled(
        "it is about a connected account, not our own"
    )


@pytest.mark.parametrize(
    "event_type",
    [
        "payment_intent.created",
        "payment_intent.payment_failed",
        "charge.failed",
        "customer.created",
        "checkout.session.completed",
        "v2.core.account[requirements].updated",
    ],
)
def test_what_never_moves_money_is_ignored(event_type: str) -> None:
    assert isinstance(translate(event(event_type, {})), Ignored)


@pytest.mark.parametrize(
    "event_type",
    [
        "charge.refunded",
        "refund.created",
        "charge.dispute.created",
        "payout.paid",
        "balance.available",
        "transfer.created",
        "topup.succeeded",
        "invoice.paid",
        "something.new",
        "customerx.created",
    ],
)
def test_money_without_a_handler_and_everything_unknown_is_kept_for_a_person(event_type: str) -> None:
    assert translate(event(event_type, {"id": "x_1"})) == Unhandled("no handler for this type yet")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'{"id": "\\ud800"}', b"[" * 100_000])
def test_a_body_that_is_no_event_is_kept_for_a_person(body: bytes) -> None:
    assert isinstance(translate(body), Unhandled)


@given(thing=JSON, event_type=st.sampled_from(["payment_intent.succeeded", "charge.succeeded", "charge.updated", "x"]))
def test_no_object_whatsoever_raises(thing: object, event_type: str) -> None:
    translate(event(event_type, thing))


@given(changes=st.dictionaries(st.sampled_from(sorted(charge())), JSON, max_size=6))
def test_no_charge_whatsoever_raises_and_what_becomes_a_gift_is_sound(changes: dict[str, Any]) -> None:
    translation = translate(event("charge.succeeded", charge() | changes))
    if isinstance(translation, Gift):
        assert translation.command.amount_minor > 0
        assert translation.payment
