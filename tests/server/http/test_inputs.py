"""What a caller sends becomes validated values, or a problem that says where and why."""

from __future__ import annotations

from typing import Annotated

import pytest
from aiohttp import web
from pydantic import BaseModel, Field

from server.http.inputs import DECIMAL, Parameters, Position, parsed
from tests.server.http.serving import Answer, Edge, assert_problem, route, serving


class Place(Parameters):
    position: Position


class Search(Parameters):
    limit: Annotated[int, Field(ge=1, le=200), DECIMAL] = 50
    word: str | None = None


class Gift(BaseModel):
    amount: Annotated[int, Field(gt=0, strict=True)]
    fund: str


async def echo(request: web.Request) -> web.StreamResponse:
    return web.json_response({"position": parsed(request, Place).position, **parsed(request, Search).model_dump()})


async def book(request: web.Request) -> web.StreamResponse:
    return web.json_response(parsed(request, Gift).model_dump())


ECHO = route("/echo/{position}", echo, params=Place, query=Search)
GIFTS = route("/gifts", book, method="POST", request=Gift)


async def post(edge: Edge, body: bytes, media_type: str = "application/json") -> Answer:
    return await edge.request("POST", "/gifts", data=body, headers={"Content-Type": media_type})


async def test_valid_parameters_reach_the_handler_as_values() -> None:
    async with serving([ECHO]) as edge:
        answer = await edge.get("/echo/9007199254740991?limit=200")
    assert answer.json() == {"position": 2**53 - 1, "limit": 200, "word": None}


@pytest.mark.parametrize(
    "text", ["+5", "05", "1_0", "%205", "-1", "1e3", "5.0", "9007199254740992", "9" * 400, "%D9%A3", "x"]
)
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
        answer = await post(edge, b"amount=5", "application/x-www-form-urlencoded")
    assert_problem(answer, 415, "unsupported-media-type")
