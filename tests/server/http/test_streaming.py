"""Long answers: bounded in number, and no peer holds one by not reading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from server.http.streaming import Streams
from tests.server.http.serving import assert_problem, route, serving

PIECE = bytes(1024 * 1024)
PIECES = 64  # more than all buffers on the way hold


async def pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield PIECE


async def test_an_answer_arrives_whole_and_a_head_without_it() -> None:
    streams = Streams(streams_max=1)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await streams.send(request, pieces(3), headers={"Content-Type": "text/plain"})

    async with serving([route(handler=answer)]) as edge:
        assert (await edge.get("/thing")).body == PIECE * 3
        assert (await edge.request("HEAD", "/thing")).body == b""
        assert (await edge.get("/thing")).status == 200, "each has given its place back"


async def test_a_peer_that_does_not_read_is_let_go_and_meanwhile_one_too_many_is_refused() -> None:
    streams = Streams(streams_max=1, peer_timeout_s=1.0)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await streams.send(request, pieces(PIECES), headers={"Content-Type": "text/plain"})

    async with serving([route(handler=answer)]) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port, limit=1024)
        writer.write(b"GET /thing HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        refused = await edge.get("/thing")
        assert_problem(refused, 503, "unavailable")
        assert int(refused.headers["retry-after"]) > 0
        async with asyncio.timeout(20):
            while (later := await edge.request("HEAD", "/thing")).status == 503:
                await asyncio.sleep(0.05)
        assert later.status == 200
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(PIECES * len(PIECE))
        writer.close()


async def test_what_fails_half_way_cuts_the_answer_so_that_nobody_takes_it_for_a_whole_one() -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield PIECE
        raise OSError("the disk is gone")

    async def answer(request: web.Request) -> web.StreamResponse:
        return await Streams().send(request, failing(), headers={"Content-Type": "text/plain"})

    async with serving([route(handler=answer)]) as edge:
        with pytest.raises(aiohttp.ClientPayloadError):
            await edge.get("/thing")
