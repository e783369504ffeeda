"""Whatever a socket sends, before its first message or after: a message, a refusal or a close code; never a fault."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime import codes
from realtime.codes import CloseCode
from realtime.connection import Limits
from realtime.hub import Hub
from server.identity.authenticator import NobodyAuthenticator
from server.ws.endpoint import PATH, WebsocketEndpoint
from tests.realtime.sources import MemorySource
from tests.server.http.serving import serving
from tests.support.hostile import hostile

EXAMPLES = 150
SOCKET_TIMEOUT_S = 10.0
PATIENCE_S = 0.2
LIMITS = Limits(hello_timeout_s=0.05, message_bytes_max=4096)
MASK = b"\x01\x02\x03\x04"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
HANDSHAKE = (
    f"GET {PATH} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n\r\n"
).encode()
PROTOCOL = frozenset({1000, 1002, 1003, 1007, 1009})
OURS = frozenset(code.code for code in vars(codes).values() if isinstance(code, CloseCode))
KINDS = frozenset(
    {"welcome", "ok", "err", "pong", "ev", "cu", "gap", "hw", "bye", "checkpoint", "checkpoint.witnessed"}
)
MESSAGES = tuple(
    orjson.dumps(message)
    for message in (
        {"t": "hello", "v": 1, "token": "x.y.z", "client": {"name": "page", "ver": "1"}},
        {"t": "hello", "v": 1},
        {"t": "sub", "id": 1, "s": "ledger", "from": {"e": "e1", "p": 2}, "credit": 64},
        {"t": "sub", "id": 2, "s": "ledger", "from": "start"},
        {"t": "credit", "s": "ledger", "n": 2},
        {"t": "auth", "id": 2, "token": "x"},
    )
)
FRAMES = st.tuples(
    st.sampled_from([TEXT, TEXT, TEXT, BINARY, PING, PONG, CLOSE, 0, 7]),
    hostile(MESSAGES).map(lambda data: data[:5_000]),
)
SENT = st.lists(FRAMES, max_size=5)


def frame(kind: int, payload: bytes) -> bytes:
    """One frame as a client sends it."""
    length = len(payload)
    if length < 126:
        head = bytes([0x80 | kind, 0x80 | length])
    elif length < 65_536:
        head = bytes([0x80 | kind, 0xFE]) + length.to_bytes(2, "big")
    else:
        head = bytes([0x80 | kind, 0xFF]) + length.to_bytes(8, "big")
    return head + MASK + bytes(a ^ b for a, b in zip(payload, itertools.cycle(MASK), strict=False))


def frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The frames that a server sent; it masks nothing."""
    while len(data) >= 2:
        kind, length, start = data[0] & 15, data[1], 2
        if length == 126:
            length, start = int.from_bytes(data[2:4], "big"), 4
        yield kind, data[start : start + length]
        data = data[start + length :]


def answered(port: int, sent: bytes) -> bytes:
    """All that comes after the handshake, until the server closes; we hang up when it waits for more."""
    with socket.create_connection(("127.0.0.1", port), SOCKET_TIMEOUT_S) as peer:
        data = b""
        with contextlib.suppress(ConnectionError):
            peer.sendall(HANDSHAKE + sent + frame(CLOSE, b""))
            peer.settimeout(PATIENCE_S)
            with contextlib.suppress(TimeoutError):
                while piece := peer.recv(65_536):
                    data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101")
    return rest


def check(data: bytes) -> None:
    """Text frames are messages of ours, a close has a code that the protocol or ours knows."""
    for kind, payload in frames(data):
        assert kind in {TEXT, CLOSE, PING, PONG}
        if kind == TEXT:
            assert json.loads(payload)["t"] in {
                "welcome",
                "ok",
                "err",
                "pong",
                "ev",
                "cu",
                "gap",
                "hw",
                "bye",
                "checkpoint",
            }
        if kind == CLOSE and payload:
            assert int.from_bytes(payload[:2], "big") in PROTOCOL | OURS, payload


@asynccontextmanager
async def live() -> AsyncIterator[tuple[int, Hub]]:
    """An edge with nothing but the websocket; its port and hub."""
    hub, source = Hub(), MemorySource(9)
    await hub.register("ledger", source, "e1")
    endpoint = WebsocketEndpoint(hub, NobodyAuthenticator(), (), "node", LIMITS)
    async with serving(endpoint.routes()) as edge:
        yield edge.port, hub


async def is_left_alone(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    """Every socket is gone, and nobody was told of a failure."""
    async with asyncio.timeout(SOCKET_TIMEOUT_S):
        while hub.members:
            await asyncio.sleep(0.01)
    failed = [vars(record).get("fields") for record in caplog.records if record.levelno >= logging.ERROR]
    assert not failed, failed[:3]


async def test_any_frames_are_answered_and_the_server_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async with live() as (port, hub):

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(SENT, st.binary(max_size=40))
        def send(sent: list[tuple[int, bytes]], rest: bytes) -> None:
            check(answered(port, b"".join(itertools.starmap(frame, sent)) + rest))

        await asyncio.to_thread(send)
        await is_left_alone(hub, caplog)


async def test_whoever_hangs_up_during_the_handshake_is_no_failure_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    async with live() as (port, hub):
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HANDSHAKE)
            writer.write_eof()
            await reader.read()
            writer.close()
        await is_left_alone(hub, caplog)
