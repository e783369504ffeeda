"""Running the application on sockets, with limits below the level that middlewares see.

A request line, a header or a framing that does not parse never reaches the application; aiohttp answers it itself, in
plain text that quotes the bytes. Here that answer is a problem like any other, and says nothing of what it read.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from server.http.context import REQUEST_ID
from server.http.headers import ALWAYS, SEALED
from server.http.problems import BAD_REQUEST, EXPECTATION_FAILED, INTERNAL_ERROR, respond
from server.http.request_log import SERVER_ERROR

LINE_BYTES_MAX = 8_190
HEADER_BYTES_MAX = 8_190
HEADERS_MAX = 64
FIRST_REQUEST_TIMEOUT_S = 15.0
KEEPALIVE_TIMEOUT_S = 75.0
LINGER_S = 2.0
SHUTDOWN_TIMEOUT_S = 5.0

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_log = logging.getLogger(__name__)


class _Connection(web.RequestHandler):
    """One HTTP connection. Its own errors are problems; a peer that connects and stays silent is let go."""

    __slots__ = ("_first_request_timer",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self._first_request_timer = loop.call_later(FIRST_REQUEST_TIMEOUT_S, self._close_if_silent)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._first_request_timer.cancel()
        super().connection_lost(exc)

    def _close_if_silent(self) -> None:
        if self._request_count == 0:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes what the client sent
    ) -> web.StreamResponse:
        """The answer to what could not be parsed, and to what escaped the application."""
        request_id = secrets.token_hex(8)
        # Who hangs up before we have answered is answered by nobody; that is no failure of ours.
        ours = status >= SERVER_ERROR and not isinstance(exc, ConnectionError)
        fields = {"request_id": request_id, "status": status, "error": type(exc).__name__}
        _log.log(logging.ERROR if ours else logging.INFO, "HTTP error before any route", extra={"fields": fields})
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already; the connection closes")
        kind = INTERNAL_ERROR if ours else BAD_REQUEST
        response = respond(kind("The request could not be read."), request_id)
        response.headers.update({**ALWAYS, "Content-Security-Policy": SEALED, "X-Request-Id": request_id})
        response.force_close()
        return response


class _Server(web.Server):
    """Makes our connections."""

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


def _meeting_expectations(handler: Handler) -> Handler:
    """The application, but where no route of ours matches, aiohttp judges `Expect` itself, before any middleware."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPExpectationFailed:
            # What is expected is not quoted: it comes from whoever sent it.
            request[REQUEST_ID] = secrets.token_hex(8)
            return respond(EXPECTATION_FAILED("Only 100-continue is met here."), request[REQUEST_ID])

    return handle


class Runner(web.AppRunner):
    """An AppRunner with this module's limits. Use it as aiohttp's: `setup()`, a `TCPSite`, `cleanup()`."""

    def __init__(self, app: web.Application) -> None:
        limits: dict[str, Any] = {
            "max_line_size": LINE_BYTES_MAX,
            "max_field_size": HEADER_BYTES_MAX,
            "max_headers": HEADERS_MAX,
            "keepalive_timeout": KEEPALIVE_TIMEOUT_S,
            # How long the rest of a refused body is read and dropped, so that the refusal arrives before a reset.
            "lingering_time": LINGER_S,
        }
        super().__init__(app, handle_signals=False, shutdown_timeout=SHUTDOWN_TIMEOUT_S, access_log=None, **limits)
        self._limits = limits

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return _Server(
            _meeting_expectations(plain.request_handler),
            request_factory=plain.request_factory,
            debug=False,
            access_log=None,
            **self._limits,
        )
