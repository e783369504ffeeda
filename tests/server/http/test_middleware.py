"""Whatever goes wrong becomes a problem that tells the caller what he may know, and nothing else."""

from __future__ import annotations

import logging
from typing import Any

import asyncpg
import pytest
from aiohttp import web

from ledger.errors import Busy, Halted
from server.http.problems import Problem
from server.http.routes import Handler
from tests.server.http.serving import assert_problem, route, serving

SECRET = "secret-in-the-message"


def fields_of(caplog: pytest.LogCaptureFixture, logger: str) -> list[Any]:
    """What the lines of one logger said."""
    return [vars(record)["fields"] for record in caplog.records if record.name == logger]


def raising(error: BaseException) -> Handler:
    async def handler(_request: web.Request) -> web.StreamResponse:
        raise error

    return handler


async def test_an_exception_becomes_a_500_that_leaks_neither_to_the_caller_nor_into_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving([route(handler=raising(RuntimeError(SECRET)))]) as edge:
        answer = await edge.get("/thing")
    assert_problem(answer, 500, "internal-error")
    assert SECRET.encode() not in answer.body
    assert b"RuntimeError" not in answer.body
    assert SECRET not in caplog.text
    (fields,) = fields_of(caplog, "secondwind.failure")
    assert fields["error"] == "RuntimeError"
    assert any("test_middleware.py" in place for place in fields["where"])


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.CannotConnectNowError("starting"),
        asyncpg.DiskFullError("full"),
        asyncpg.AdminShutdownError("stopping"),
        asyncpg.InterfaceError("pool is closing"),
        asyncpg.InternalClientError("got result for unknown protocol state"),
        asyncpg.TooManyConnectionsError("full"),
        asyncpg.QueryCanceledError("stopped"),
        ConnectionRefusedError(),
        OSError(113, "No route to host"),
        TimeoutError(),
    ],
)
async def test_a_database_that_is_away_is_a_503_with_a_time_to_come_back(error: Exception) -> None:
    async with serving([route(handler=raising(error))]) as edge:
        answer = await edge.get("/thing")
    assert_problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.DataError("invalid input for query argument $1"),
        asyncpg.UndefinedTableError("no such table"),
        FileNotFoundError(2, "No such file", "/a/file/of/ours"),
        PermissionError(13, "Permission denied", "/a/file/of/ours"),
    ],
)
async def test_a_mistake_of_ours_is_not_called_an_outage_of_the_database(error: Exception) -> None:
    async with serving([route(handler=raising(error))]) as edge:
        answer = await edge.get("/thing")
    assert_problem(answer, 500, "internal-error")
    assert b"ours" not in answer.body


@pytest.mark.parametrize(("error", "retry_after"), [(Busy(4096), "1"), (Halted("books", "fork"), "60")])
async def test_an_unavailable_ledger_says_when_to_come_back_and_not_why(error: Exception, retry_after: str) -> None:
    async with serving([route(handler=raising(error))]) as edge:
        answer = await edge.get("/thing")
    assert_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == retry_after
    assert b"fork" not in answer.body


async def test_a_problem_is_answered_as_it_was_raised() -> None:
    problem = Problem(409, "taken", "Taken", "It is taken.", "#/name", {"Retry-After": "7"})
    async with serving([route(handler=raising(problem))]) as edge:
        answer = await edge.get("/thing")
    body = assert_problem(answer, 409, "taken")
    assert body["pointer"] == "#/name"
    assert answer.headers["retry-after"] == "7"


async def test_an_answer_that_has_begun_is_cut_off_and_not_followed_by_a_problem() -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 100
        await response.prepare(request)
        await response.write(b"half")
        raise RuntimeError(SECRET)

    async with serving([route(handler=half)]) as edge:
        answer = await edge.raw(b"GET /thing HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.status == 200
    assert answer.body == b"half"


async def test_one_request_leaves_one_line_that_names_the_route_and_not_the_path(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "secondwind.request")
    async with serving([route("/things/{id}")]) as edge:
        await edge.get("/things/of-a-person?token=secret")
    (fields,) = fields_of(caplog, "secondwind.request")
    assert fields["route"] == "/things/{id}"
    assert fields["status"] == 200
    assert fields["bytes"] == len("hello")
    assert fields["client"] == "127.0.0.0/24"
    assert "of-a-person" not in str(fields)
    assert "secret" not in str(fields)


async def test_a_quiet_route_leaves_a_line_only_when_the_service_failed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "secondwind.request")
    quiet = [route("/proof/{n}", quiet=True), route("/broken/{n}", raising(RuntimeError()), quiet=True)]
    async with serving(quiet) as edge:
        await edge.get("/proof/4096")
        await edge.get("/broken/4097")
    lines = fields_of(caplog, "secondwind.request")
    assert [(line["route"], line["status"]) for line in lines] == [("/broken/{n}", 500)]
    assert "409" not in caplog.text
