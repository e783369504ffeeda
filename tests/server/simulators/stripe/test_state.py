"""What the small Stripe remembers, and how much of it."""

from __future__ import annotations

import pytest

from server.simulators.stripe.state import StripeState
from tests.server.payments.builders import charge, intent, movement


def test_a_thing_is_found_by_kind_and_id() -> None:
    state = StripeState()
    state.put(charge())
    assert state.get("charge", "ch_test1") == charge()
    assert state.get("payment_intent", "ch_test1") is None
    assert state.get("charge", "ch_2") is None


def test_members_expand_in_depth_without_changing_what_is_remembered() -> None:
    state = StripeState()
    for thing in (intent(), charge(), movement()):
        state.put(thing)
    found = state.get("payment_intent", "pi_test1", ["latest_charge.balance_transaction"])
    assert found is not None
    assert found["latest_charge"]["balance_transaction"]["fee"] == 330
    assert state.get("payment_intent", "pi_test1") == intent()
    assert state.get("charge", "ch_test1") == charge()


def test_null_stays_null_and_unknown_members_are_refused() -> None:
    state = StripeState()
    state.put(charge(settled=False))
    found = state.get("charge", "ch_test1", ["balance_transaction"])
    assert found is not None
    assert found["balance_transaction"] is None
    with pytest.raises(KeyError, match="card"):
        state.get("charge", "ch_test1", ["card"])


def test_the_oldest_is_forgotten_when_there_are_too_many() -> None:
    state = StripeState(objects_max=2)
    for number in range(4):
        state.put(charge() | {"id": f"ch_{number}"})
    assert len(state) == 2
    assert state.get("charge", "ch_1") is None
    assert state.get("charge", "ch_3") is not None
