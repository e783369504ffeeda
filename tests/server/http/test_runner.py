"""Below the application: floods and garbage are refused as problems that say nothing of what was read."""

from __future__ import annotations

import asyncio

import pytest

from server.http import runner
from tests.server.http.serving import assert_problem, route, serving

HOST = b"Host: localhost\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"GARBAGE-IN\r\n\r\n",
        b"GET /thing HTTP/9.9\r\n" + HOST + b"\r\n",
        b"GET /thing HTTP/1.1\r\n" + HOST + b"bad header line\r\n\r\n",
        b"GET /thing HTTP/1.1\r\n" + HOST + b"X: a\x00GARBAGE-IN\r\n\r\n",
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /thing HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 9000 + b"\r\n\r\n",
        b"GET /thing HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 70 + b"\r\n",
        b"POST /thing HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /thing HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=[
        "no request", "version", "header line", "zero byte", "line flood", "header flood", "headers flood",
        "two lengths", "negative length", "tls",
    ],
)  # fmt: skip
async def test_what_does_not_parse_is_a_problem(data: bytes) -> None:
    async with serving([route(), route(method="POST")]) as edge:
        answer = await edge.raw(data)
    assert_problem(answer, 400, "bad-request")
    assert b"GARBAGE" not in answer.body
    assert answer.headers["server"] == "secondwind"


@pytest.mark.parametrize(
    "path", [b"/%", b"/%zz", b"/%00", b"/%ff%fe", b"/..", b"/../../etc/passwd", b"/%2e%2e/", b"//evil.example/", b"/;"]
)
async def test_a_hostile_path_is_not_found(path: bytes) -> None:
    async with serving([route()]) as edge:
        answer = await edge.raw(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert answer.status in (400, 404), answer.body
    assert answer.content_type == "application/problem+json"


async def test_a_peer_that_connects_and_stays_silent_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "FIRST_REQUEST_TIMEOUT_S", 0.05)
    async with serving([route()]) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(b"GET /thing HTTP/1.1\r\nHost: loc")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_the_service_answers_on_after_a_thousand_bad_connections() -> None:
    async with serving([route()]) as edge:
        for _ in range(100):
            await asyncio.gather(*(edge.raw(b"NONSENSE\r\n\r\n") for _ in range(10)))
        assert (await edge.get("/thing")).status == 200


@pytest.mark.parametrize("line", ["GET /thing", "OPTIONS /thing", "DELETE /thing", "GET /nothing", "TRACE /thing"])
async def test_an_unknown_expectation_is_a_problem_on_every_path_and_method(line: str) -> None:
    async with serving([route()]) as edge:
        answer = await edge.raw(f"{line} HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n".encode())
    assert_problem(answer, 417, "expectation-failed")
