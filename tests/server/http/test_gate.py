"""Before a handler runs, its row has been kept: access, limits, inputs, in this order."""

from __future__ import annotations

import asyncio
from typing import Annotated

import pytest
from aiohttp import web
from pydantic import BaseModel, Field

from server.http.context import IDEMPOTENCY_KEY
from server.http.inputs import DECIMAL, Parameters, Position, parsed
from server.http.routes import role
from tests.server.http.serving import Edge, assert_problem, hello, route, serving


class Place(Parameters):
    position: Position


class Search(Parameters):
    limit: Annotated[int, Field(ge=1, le=200), DECIMAL] = 50
    word: str | None = None


class Gift(BaseModel):
    amount: Annotated[int, Field(gt=0, strict=True)]
    fund: str


async def echo(request: web.Request) -> web.StreamResponse:
    return web.json_response(
        {"position": parsed(request, Place).position, **parsed(request, Search).model_dump()}
    )


async def book(request: web.Request) -> web.StreamResponse:
    return web.json_response({**parsed(request, Gift).model_dump(), "key": request.get(IDEMPOTENCY_KEY)})


ECHO = route("/echo/{position}", echo, params=Place, query=Search)
GIFTS = route("/gifts", book, method="POST", request=Gift, body_bytes_max=100, idempotent=True)


async def post(edge: Edge, body: bytes, **headers: str) -> object:
    fields = {"Content-Type": "application/json", "Idempotency-Key": "k1", **headers}
    return await edge.request("POST", "/gifts", data=body, headers=fields)


async def test_valid_parameters_reach_the_handler_as_values() -> None:
    async with serving([ECHO]) as edge:
        answer = await edge.get("/echo/9007199254740991?limit=200")
    assert answer.json() == {"position": 2**53 - 1, "limit": 200, "word": None}


@pytest.mark.parametrize("text", ["+5", "05", "1_0", "%205", "-1", "1e3", "5.0", "9007199254740992", "9" * 400, "%D9%A3", "x"])
async def test_a_number_written_in_another_way_is_refused_with_its_place(text: str) -> None:
    async with serving([ECHO]) as edge:
        assert assert_problem(await edge.get(f"/echo/{text}"), 400, "invalid-input")["pointer"] == "{position}"
        assert assert_problem(await edge.get(f"/echo/1?limit={text}"), 400, "invalid-input")["pointer"] == "?limit"


async def test_an_unknown_parameter_is_refused_and_not_ignored() -> None:
    async with serving([ECHO]) as edge:
        body = assert_problem(await edge.get("/echo/1?limt=5"), 400, "invalid-input")
    assert body["pointer"] == "?limt"


async def test_a_parameter_given_twice_is_refused() -> None:
    async with serving([ECHO]) as edge:
        body = assert_problem(await edge.get("/echo/1?limit=5&limit=6"), 400, "invalid-input")
    assert "more than once" in body["detail"]


async def test_a_message_shows_the_offending_value_cut_and_escaped() -> None:
    async with serving([ECHO]) as edge:
        body = assert_problem(await edge.get(f"/echo/1?limit=%00{'a' * 500}"), 400, "invalid-input")
    assert "\\x00aaa" in body["detail"]
    assert len(body["detail"]) < 300


async def test_everything_wrong_is_told_at_once() -> None:
    async with serving([GIFTS]) as edge:
        body = assert_problem(await post(edge, b'{"amount": -1, "fund": 7}'), 400, "invalid-input")
    assert [error["pointer"] for error in body["errors"]] == ["#/amount", "#/fund"]


async def test_a_valid_body_and_its_key_reach_the_handler() -> None:
    async with serving([GIFTS]) as edge:
        answer = await post(edge, b'{"amount": 5, "fund": "rent"}')
    assert answer.json() == {"amount": 5, "fund": "rent", "key": "k1"}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"NaN", b'{"amount": 5,}', b"[" * 90])
async def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    async with serving([GIFTS]) as edge:
        assert_problem(await post(edge, body), 400, "body-malformed")


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"7"])
async def test_a_body_that_is_not_an_object_is_refused(body: bytes) -> None:
    async with serving([GIFTS]) as edge:
        assert_problem(await post(edge, body), 400, "invalid-input")


async def test_another_media_type_is_refused() -> None:
    async with serving([GIFTS]) as edge:
        answer = await post(edge, b"amount=5", **{"Content-Type": "application/x-www-form-urlencoded"})
    assert_problem(answer, 415, "unsupported-media-type")


async def test_an_announced_body_over_the_limit_is_refused_unread() -> None:
    async with serving([GIFTS]) as edge:
        answer = await edge.raw(
            b"POST /gifts HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\nConnection: close\r\n\r\n"
        )
    assert "999999999 bytes are announced, 100 are read at most" in assert_problem(answer, 413, "body-too-large")["detail"]


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
