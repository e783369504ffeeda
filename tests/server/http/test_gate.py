"""Before a handler runs, its row has been kept: access, limits, inputs, in this order."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from pydantic import BaseModel

from server.http.context import IDEMPOTENCY_KEY
from server.http.inputs import Parameters, Position, parsed
from server.http.routes import role
from tests.server.http.serving import assert_problem, hello, route, serving


class Place(Parameters):
    position: Position


class Gift(BaseModel):
    amount: int
    fund: str


async def book(request: web.Request) -> web.StreamResponse:
    return web.json_response({**parsed(request, Gift).model_dump(), "key": request.get(IDEMPOTENCY_KEY)})


GIFTS = route("/gifts", book, method="POST", request=Gift, body_bytes_max=100, idempotent=True)


async def test_a_valid_body_and_its_key_reach_the_handler() -> None:
    async with serving([GIFTS]) as edge:
        headers = {"Content-Type": "application/json", "Idempotency-Key": "k1"}
        answer = await edge.request("POST", "/gifts", data=b'{"amount": 5, "fund": "rent"}', headers=headers)
    assert answer.json() == {"amount": 5, "fund": "rent", "key": "k1"}


async def test_an_announced_body_over_the_limit_is_refused_unread() -> None:
    async with serving([GIFTS]) as edge:
        answer = await edge.raw(
            b"POST /gifts HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\nConnection: close\r\n\r\n"
        )
    assert (
        "999999999 bytes are announced, 100 are read at most" in assert_problem(answer, 413, "body-too-large")["detail"]
    )


async def test_a_chunked_body_over_the_limit_is_refused_while_it_is_read() -> None:
    chunk = b"40\r\n" + b"x" * 0x40 + b"\r\n"
    async with serving([GIFTS]) as edge:
        answer = await edge.raw(
            b"POST /gifts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\n"
            b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunk * 4 + b"0\r\n\r\n"
        )
    assert_problem(answer, 413, "body-too-large")


async def test_a_client_that_waits_for_100_continue_is_refused_before_it_sends_too_much() -> None:
    head = b"POST /gifts HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
    async with serving([GIFTS]) as edge:
        refused = await edge.raw(head + b"Content-Length: 5000\r\n\r\n")
        assert_problem(refused, 413, "body-too-large")
        welcome = await edge.raw(
            head + b"Content-Type: application/json\r\nIdempotency-Key: k\r\nContent-Length: 2\r\n\r\n{}"
        )
    assert welcome.status == 100


async def test_an_unknown_expectation_is_refused() -> None:
    async with serving([GIFTS]) as edge:
        answer = await edge.request("POST", "/gifts", headers={"Expect": "miracles"})
    assert_problem(answer, 417, "expectation-failed")


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "x" * 256])
async def test_a_value_route_without_a_usable_idempotency_key_is_refused(key: str) -> None:
    async with serving([GIFTS]) as edge:
        answer = await edge.raw(
            b"POST /gifts HTTP/1.1\r\nHost: x\r\nIdempotency-Key: " + key.encode() + b"\r\nContent-Length: 0\r\n"
            b"Connection: close\r\n\r\n"
        )
    assert_problem(answer, 400, "idempotency-key-missing")


async def test_a_handler_that_takes_too_long_is_given_up() -> None:
    stopped = asyncio.Event()

    async def slow(_request: web.Request) -> web.StreamResponse:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return web.Response()

    async with serving([route(handler=slow, timeout_s=0.05)]) as edge:
        assert_problem(await edge.get("/thing"), 503, "timed-out")
    assert stopped.is_set()


async def test_access_is_judged_before_any_input() -> None:
    async with serving([route("/echo/{position}", hello, params=Place, access=role("admin"))]) as edge:
        assert_problem(await edge.get("/echo/x"), 401, "not-signed-in")
