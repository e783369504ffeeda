"""Our questions to the provider: the official SDK against the small Stripe, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

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
    assert (found.id, found.amount, found.fee, found.currency, found.source) == (
        "txn_test1",
        10330,
        330,
        "usd",
        "ch_test1",
    )
    assert found.fee_details == movement()["fee_details"]


@pytest.mark.parametrize("reference", [BY_CHARGE, BY_INTENT])
async def test_a_movement_that_is_not_known_yet_is_none(
    api: StripeAPI, peer: StripePeer, reference: FeeReference
) -> None:
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


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"[]", b"7", b""])
async def test_an_answer_that_is_not_the_providers_means_later(aiohttp_server: Any, body: bytes) -> None:
    """A proxy that answers in the provider's place."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/v1/balance_transactions/{id}", answer)
    server = await aiohttp_server(app)
    api = StripeAPI(KEY, f"http://127.0.0.1:{server.port}")
    with pytest.raises(ProviderUnreachable):
        await api.balance_transaction(BY_MOVEMENT)
    await api.close()


async def test_an_answer_that_breaks_off_means_later(aiohttp_server: Any) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"id": "txn_')
        assert request.transport is not None
        request.transport.close()
        return response

    app = web.Application()
    app.router.add_get("/v1/balance_transactions/{id}", answer)
    server = await aiohttp_server(app)
    api = StripeAPI(KEY, f"http://127.0.0.1:{server.port}")
    with pytest.raises(ProviderUnreachable, match="ClientPayloadError"):
        await api.balance_transaction(BY_MOVEMENT)
    await api.close()


async def test_closing_before_any_question_or_twice_is_harmless() -> None:
    api = StripeAPI(KEY)
    await api.close()
    await api.close()
