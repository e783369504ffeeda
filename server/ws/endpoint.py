"""GET /v1/ws: aiohttp around `realtime.connection`. No rule of the protocol is decided here.

Frames are written to the connection's transport beside aiohttp's own writer; that is safe because compression is off
and both write whole frames (reference/realtime.md 0.2). Nothing here awaits a send or trusts a close to return: a
client that does not read would hold it for ever (F3).
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from realtime import codes
from realtime.codes import CloseCode
from realtime.connection import Authenticate, Close, Connection, Effect, Feed, Follow, Leave, Limits, Send, bye
from realtime.frames import message_frame
from realtime.hub import Hub, Member
from server.http.problems import ProblemKind
from server.http.routes import Access, Route

if TYPE_CHECKING:
    from server.identity.authenticator import Authenticator

PATH = "/v1/ws"
SUBPROTOCOL = "rt.v1.json"
HEARTBEAT_S = 20.0
PING_S = 25.0
CLOSE_TIMEOUT_S = 1.0
NOT_SENT_LOWAT_BYTES = 64 * 1024
CONNECTIONS_MAX = 12_000

FOREIGN_ORIGIN = ProblemKind(
    "foreign-origin",
    403,
    "Not from here",
    "A browser page of another origin asked for a websocket. Pages that may do so are listed in the settings.",
)
TOO_MANY_SOCKETS = ProblemKind(
    "too-many-sockets",
    503,
    "Too many open sockets",
    "This process holds as many websockets as it may. Try again later.",
)


class _Wire:
    """`realtime.hub.Wire` over an asyncio transport."""

    __slots__ = ("_transport",)

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def backlog(self) -> int:
        return self._transport.get_write_buffer_size()

    def write(self, frames: Sequence[bytes]) -> None:
        if not self._transport.is_closing():
            self._transport.writelines(frames)

    def abort(self) -> None:
        self._transport.abort()


@dataclass(frozen=True, slots=True)
class WebsocketEndpoint:
    """The handler, and the drain. `node` names this process to clients."""

    hub: Hub
    authenticator: Authenticator
    allowed_origins: Sequence[str]
    node: str
    limits: Limits
    monotonic_s: Callable[[], float] = time.monotonic
    connections_max: int = CONNECTIONS_MAX

    def routes(self) -> list[Route]:
        """The row of the table."""
        return [
            Route(
                method="GET",
                path=PATH,
                handler=self.handle,
                access=Access.SOCKET,
                summary="The live ledger, by websocket",
                description=f"Subprotocol `{SUBPROTOCOL}`; realtime/PROTOCOL.md has every message.",
                response="application/json",
                status=101,
                timeout_s=None,
                tags=("live",),
                problems=(FOREIGN_ORIGIN, TOO_MANY_SOCKETS),
            )
        ]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One socket, from its handshake to its end."""
        self._check_origin(request)
        if self.hub.members >= self.connections_max:
            raise TOO_MANY_SOCKETS("Try again in a minute.", headers={"Retry-After": "60"})
        ws = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            heartbeat=PING_S,
            compress=False,
            max_msg_size=self.limits.message_bytes_max,
            decode_text=False,
        )
        await ws.prepare(request)
        transport = request.transport
        if transport is None:
            return ws
        _limit_unsent(transport)
        await _Session(self, ws, transport).run()
        return ws

    async def drain(self, timeout_s: float) -> None:
        """Tell every socket to go elsewhere, each at its own time, and cut those that stay."""
        members = self.hub.everyone()
        for index, member in enumerate(members):
            slot_ms = int(1000 * timeout_s * index / max(1, len(members)))
            self.hub.send(member, bye(codes.DRAIN, after_ms=slot_ms))
        deadline = self.monotonic_s() + timeout_s
        await asyncio.sleep(0)
        # A transport tells nobody when its buffer is empty; for two seconds at most, looking is good enough.
        while any(m.wire.backlog() for m in members) and self.monotonic_s() < deadline:  # noqa: ASYNC110 - as said
            await asyncio.sleep(0.01)
        for member in self.hub.everyone():
            member.wire.write([_close_frame(codes.DRAIN)])
        await asyncio.sleep(0)
        for member in self.hub.everyone():
            member.wire.abort()
            self.hub.leave(member)

    def _check_origin(self, request: web.Request) -> None:
        """A page may open a socket to the host it came from, or where the settings allow its origin."""
        origin = request.headers.get("Origin")
        if origin is None or origin in self.allowed_origins:
            return
        if urlsplit(origin).netloc.lower() != request.host.lower():
            raise FOREIGN_ORIGIN("Open the socket from the service's own page, or have this origin allowed.")


class _Session:
    """The life of one open socket."""

    def __init__(self, endpoint: WebsocketEndpoint, ws: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self._endpoint = endpoint
        self._ws = ws
        self._hub = endpoint.hub
        self._transport = transport
        self._member: Member = endpoint.hub.join(_Wire(transport))
        self._connection = Connection(
            sid=secrets.token_hex(8),
            node=endpoint.node,
            limits=endpoint.limits,
            channels=endpoint.hub.channel_state,
            heartbeat_s=HEARTBEAT_S,
            now_s=endpoint.monotonic_s(),
            epochs=endpoint.hub.epochs(),
        )
        self._is_closing = False

    async def run(self) -> None:
        """Receive until the end."""
        timer = asyncio.get_running_loop().call_later(
            self._endpoint.limits.hello_timeout_s, lambda: self._act_now(self._connection.receive_timeout())
        )
        try:
            while not self._is_closing:
                message = await self._ws.receive()
                if message.type is WSMsgType.TEXT:
                    effects = self._connection.receive_text(message.data, self._endpoint.monotonic_s())
                elif message.type is WSMsgType.BINARY:
                    effects = self._connection.receive_binary()
                else:
                    break
                await self._act(effects)
        finally:
            timer.cancel()
            self._hub.leave(self._member)
            if self._is_closing:
                await self._linger()

    async def _act(self, effects: Sequence[Effect]) -> None:
        self._act_now(effects)
        for effect in effects:
            if isinstance(effect, Authenticate):
                principal = await self._endpoint.authenticator.authenticate(effect.token)
                subject = principal.subject if principal is not None else None
                self._act_now(self._connection.authenticated(subject, effect.message_id))

    def _act_now(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(message):
                    self._hub.send(self._member, message)
                case Follow(subscription):
                    self._hub.follow(self._member, subscription)
                case Leave(subscription):
                    self._hub.unfollow(self._member, subscription.channel)
                case Feed(subscription):
                    self._hub.feed(self._member, subscription)
                case Close(code):
                    self._close(code)
                case Authenticate():
                    pass

    def _close(self, code: CloseCode) -> None:
        """Say why, and close; what the client does with it is awaited only for a moment."""
        self._is_closing = True
        wire = self._member.wire
        box, self._member.box, self._member.box_bytes = self._member.box, [], 0
        wire.write([*box, message_frame(bye(code)), _close_frame(code)])
        asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._transport.abort)

    async def _linger(self) -> None:
        """Give the close frame time to leave before the connection goes."""
        with contextlib.suppress(ConnectionError, RuntimeError):
            deadline = self._endpoint.monotonic_s() + CLOSE_TIMEOUT_S
            while self._transport.get_write_buffer_size() and self._endpoint.monotonic_s() < deadline:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)


def _close_frame(code: CloseCode) -> bytes:
    payload = code.code.to_bytes(2, "big") + code.reason.encode()
    return bytes((0x88, len(payload))) + payload


def _limit_unsent(transport: asyncio.Transport) -> None:
    """Let the kernel take little more than it can send, or a client that stopped reading stays unseen for long."""
    connection = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_NOTSENT_LOWAT", 25)
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, option, NOT_SENT_LOWAT_BYTES)
