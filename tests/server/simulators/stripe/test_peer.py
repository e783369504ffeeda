"""The small Stripe asked by the official SDK, over HTTP, through our own client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from server.payments.stripe_api import ProviderRefuses, ProviderUnreachable, StripeAPI
from server.payments.translate import FeeReference
from server.simulators.stripe.peer import StripePeer
from server.simulators.stripe.state import StripeState
from tests.server.payments.builders import charge, intent, movement

KEY = "sk_test_simulator"
BY_MOVEMENT = FeeReference(balance_transaction="txn_test1")
BY_CHARGE = FeeReference(charge="ch_test1")
BY_INTENT = FeeReference(payment_intent="pi_test1")


@pytest.fixture
async def peer() -> AsyncIterator[StripePeer]:
    peer = StripePeer(StripeState(), KEY)
    for thing in (intent(), charge(), movement()):
        peer.state.put(thing)
    yield peer
    await peer.stop()


@pytest.fixture
async def api(peer: StripePeer) -> AsyncIterator[StripeAPI]:
    api = StripeAPI(KEY, await peer.start())
    yield api
    await api.close()


@pytest.mark.parametrize("reference", [BY_MOVEMENT, BY_CHARGE, BY_INTENT])
async def test_the_sdk_finds_the_movement_by_whatever_is_known(api: StripeAPI, reference: FeeReference) -> None:
    found = await api.balance_transaction(reference)
    assert found is not None
    assert (found.id, found.amount, found.fee, found.currency, found.source) == ("txn_test1", 10330, 330, "usd", "ch_test1")
    assert found.fee_details == movement()["fee_details"]


@pytest.mark.parametrize("reference", [BY_CHARGE, BY_INTENT])
async def test_a_movement_that_is_not_known_yet_is_none(api: StripeAPI, peer: StripePeer, reference: FeeReference) -> None:
    peer.state.put(charge(settled=False))
    assert await api.balance_transaction(reference) is None


async def test_an_intent_without_a_charge_has_no_movement(api: StripeAPI, peer: StripePeer) -> None:
    peer.state.put(intent(latest_charge=None))
    assert await api.balance_transaction(BY_INTENT) is None


async def test_an_unknown_object_is_a_refusal_that_names_its_kind_and_not_its_id(api: StripeAPI) -> None:
    with pytest.raises(ProviderRefuses, match="status 404, resource_missing") as refused:
        await api.balance_transaction(FeeReference(balance_transaction="txn_other"))
    assert "txn_other" not in str(refused.value)


async def test_a_wrong_key_is_a_refusal_that_does_not_show_the_key(peer: StripePeer) -> None:
    api = StripeAPI("sk_test_somebody_elses", await peer.start())
    with pytest.raises(ProviderRefuses, match="status 401") as refused:
        await api.balance_transaction(BY_MOVEMENT)
    assert "somebody" not in str(refused.value)
    await api.close()


@pytest.mark.parametrize("status", [409, 429, 500, 503])
async def test_trouble_of_the_provider_means_later(api: StripeAPI, peer: StripePeer, status: int) -> None:
    peer.trouble = status
    with pytest.raises(ProviderUnreachable, match=str(status)):
        await api.balance_transaction(BY_MOVEMENT)
    peer.trouble = None
    assert await api.balance_transaction(BY_MOVEMENT) is not None


async def test_a_provider_that_is_away_means_later(api: StripeAPI, peer: StripePeer) -> None:
    await peer.stop()
    with pytest.raises(ProviderUnreachable):
        await api.balance_transaction(BY_MOVEMENT)


async def test_an_answer_with_an_impossible_fee_is_refused_without_showing_it(api: StripeAPI, peer: StripePeer) -> None:
    peer.state.put(movement() | {"fee": "330"})
    with pytest.raises(ProviderRefuses, match="malformed at fee"):
        await api.balance_transaction(BY_MOVEMENT)


async def test_one_question_is_asked_once_and_pauses_are_left_to_the_caller(api: StripeAPI, peer: StripePeer) -> None:
    peer.trouble = 503
    with pytest.raises(ProviderUnreachable):
        await api.balance_transaction(BY_MOVEMENT)
    assert peer.questions == 1


async def test_answers_look_like_the_providers(peer: StripePeer) -> None:
    base = await peer.start()
    headers = {"Authorization": f"Bearer {KEY}", "Stripe-Version": "2024-06-20"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.get(f"{base}/v1/charges/ch_test1") as answer:
            assert answer.status == 200
            assert answer.headers["Stripe-Version"] == "2024-06-20"
            assert answer.headers["Request-Id"].startswith("req_")
            assert (await answer.json())["balance_transaction"] == "txn_test1"
        async with session.get(f"{base}/v1/charges/ch_nobody") as answer:
            assert answer.status == 404
            error = (await answer.json())["error"]
            assert error["message"] == "No such charge: 'ch_nobody'"
            assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "resource_missing", "id")
        async with session.get(f"{base}/v1/charges/ch_test1", params={"expand[]": "secrets"}) as answer:
            assert answer.status == 400
        async with session.get(f"{base}/v1/refunds") as answer:
            assert answer.status == 404
    async with aiohttp.ClientSession(auth=aiohttp.BasicAuth(KEY, "")) as session, session.get(f"{base}/v1/charges/ch_test1") as answer:
        assert answer.status == 200
    for wrong in ("", "Bearer ", "Bearer x", "Basic !!"):
        async with aiohttp.ClientSession(headers={"Authorization": wrong}) as session, session.get(f"{base}/v1/charges/ch_test1") as answer:
            assert answer.status == 401
