"""What the small Stripe answers, and how."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator

import aiohttp
import pytest

from server.simulators.stripe.peer import StripePeer
from server.simulators.stripe.state import StripeState
from tests.server.payments.builders import charge

KEY = "sk_test_simulator"


@pytest.fixture
async def peer() -> AsyncIterator[StripePeer]:
    peer = StripePeer(StripeState(), KEY)
    peer.state.put(charge())
    yield peer
    await peer.stop()


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
    basic = {"Authorization": f"Basic {b64encode(f'{KEY}:'.encode()).decode()}"}
    async with aiohttp.ClientSession(headers=basic) as session, session.get(f"{base}/v1/charges/ch_test1") as answer:
        assert answer.status == 200
    for wrong in ("", "Bearer ", "Bearer x", "Basic !!"):
        async with (
            aiohttp.ClientSession(headers={"Authorization": wrong}) as session,
            session.get(f"{base}/v1/charges/ch_test1") as answer,
        ):
            assert answer.status == 401
