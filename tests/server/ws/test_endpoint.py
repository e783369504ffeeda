"""The websocket on a real socket: a foreign client, hostile ones, and a stop that says good-bye."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import websockets

from realtime.connection import Limits
from realtime.hub import Hub
from server.identity.authenticator import NobodyAuthenticator
from server.ws.endpoint import PATH, WebsocketEndpoint
from tests.realtime.sources import MemorySource
from tests.server.http.serving import serving

LIMITS = Limits(hello_timeout_s=0.3, message_bytes_max=4096)
HELLO = json.dumps({"t": "hello", "v": 1})
SUB = json.dumps({"t": "sub", "id": 1, "s": "ledger", "from": "start", "credit": 64})


@dataclass
class Live:
    url: str
    hub: Hub
    source: MemorySource
    endpoint: WebsocketEndpoint


@asynccontextmanager
async def live(count: int = 0) -> AsyncIterator[Live]:
    """An edge with nothing but the websocket, over a channel in memory."""
    hub, source = Hub(), MemorySource(count)
    await hub.register("ledger", source, "e1")
    endpoint = WebsocketEndpoint(hub, NobodyAuthenticator(), ("https://friend.example.org",), "node", LIMITS)
    async with serving(endpoint.routes()) as edge:
        yield Live(f"{edge.base.replace('http', 'ws')}{PATH}", hub, source, endpoint)


async def until(socket: websockets.ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of a kind."""
    async with asyncio.timeout(10):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["t"] == kind:
                return message


async def closed_with(socket: websockets.ClientConnection) -> int:
    """The close code, after whatever is still to be read."""
    async with asyncio.timeout(10):
        try:
            while True:
                await socket.recv()
        except websockets.ConnectionClosed as error:
            return error.rcvd.code if error.rcvd else 1006


async def test_a_foreign_client_follows_from_the_start_and_live() -> None:
    async with live(700) as here, websockets.connect(here.url) as socket:
        await socket.send(HELLO)
        assert (await until(socket, "welcome"))["e"] == {"ledger": "e1"}
        await socket.send(SUB)
        positions = [(await until(socket, "ev"))["p"] for _ in range(700)]
        here.hub.publish("ledger", here.source.grow(3))
        positions += [(await until(socket, "ev"))["p"] for _ in range(3)]
        assert positions == list(range(703))


async def test_a_client_that_says_nothing_is_let_go() -> None:
    async with live() as here, websockets.connect(here.url) as socket:
        assert await closed_with(socket) == 4108
        async with asyncio.timeout(5):
            while here.hub.members:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("first", ["nonsense", '{"t":"ping","ts":1}', b"\x00\x01", "[" * 3000])
async def test_a_first_message_that_is_no_hello_closes(first: str | bytes) -> None:
    async with live() as here, websockets.connect(here.url) as socket:
        await socket.send(first)
        assert await closed_with(socket) == 4001


async def test_three_violations_close_with_good_bye() -> None:
    async with live() as here, websockets.connect(here.url) as socket:
        await socket.send(HELLO)
        for _ in range(3):
            await socket.send('{"t":"no such message"}')
        assert (await until(socket, "bye"))["reconnect"] is False
        assert await closed_with(socket) == 4029


async def test_a_message_beyond_the_limit_ends_the_socket_and_no_other() -> None:
    async with live() as here, websockets.connect(here.url) as other, websockets.connect(here.url) as socket:
        await other.send(HELLO)
        await until(other, "welcome")
        await socket.send(HELLO)
        await socket.send("x" * 5000)
        assert await closed_with(socket) == 1009
        await other.send('{"t":"ping","ts":7}')
        assert (await until(other, "pong"))["ts"] == 7


async def test_a_socket_that_is_cut_in_a_page_continues_from_its_position() -> None:
    async with live(2_000) as here:
        last = -1
        for _ in range(3):
            socket = await websockets.connect(here.url)
            await socket.send(HELLO)
            start = {"e": "e1", "p": last}
            await socket.send(json.dumps({"t": "sub", "id": 1, "s": "ledger", "from": start, "credit": 8}))
            for _ in range(137):
                event = await until(socket, "ev")
                assert event["after"] == last
                last = event["p"]
            socket.transport.abort()
        assert last == 3 * 137 - 1


async def test_a_page_of_another_origin_is_refused_and_one_that_is_allowed_is_not() -> None:
    async with live() as here, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(here.url, origin="https://evil.example.org")
        assert caught.value.status == 403
        socket = await session.ws_connect(here.url, origin="https://friend.example.org")
        await socket.close()


async def test_a_stop_says_good_bye_to_everybody_with_a_time_of_their_own() -> None:
    async with live(10) as here:
        sockets = [await websockets.connect(here.url) for _ in range(5)]
        for socket in sockets:
            await socket.send(HELLO)
            await until(socket, "welcome")
        await here.endpoint.drain(1.0)
        farewells = [await until(socket, "bye") for socket in sockets]
        assert all(farewell["code"] == 4201 and farewell["reconnect"] for farewell in farewells)
        assert sorted(farewell["after_ms"] for farewell in farewells) == [0, 200, 400, 600, 800]
        assert here.hub.members == 0
        for socket in sockets:
            assert await closed_with(socket) in {4201, 1006}
