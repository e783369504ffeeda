"""What stands between the router and a handler: access, limits and validated inputs, as the route's row says."""

from __future__ import annotations

import asyncio
import re

from aiohttp import web

from server.http.access import AccessControl
from server.http.context import IDEMPOTENCY_KEY
from server.http.inputs import read_body, read_path, read_query
from server.http.problems import BODY_TOO_LARGE, EXPECTATION_FAILED, IDEMPOTENCY_KEY_MISSING, TIMED_OUT, shown
from server.http.routes import Handler, Route

RETRY_AFTER_S = 1

_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def guarded(route: Route, access: AccessControl) -> Handler:
    """The handler of `route` behind everything its row demands. Access is judged before any input is looked at."""

    async def handle(request: web.Request) -> web.StreamResponse:
        await access.admit(request, route.access)
        request = _limited(request, route)
        await _meet_expectation(request)
        if route.timeout_s is None:
            return await _answer(request, route)
        limit = asyncio.timeout(route.timeout_s)
        try:
            async with limit:
                return await _answer(request, route)
        except TimeoutError:
            if not limit.expired():
                raise
            raise TIMED_OUT(
                f"No answer within {route.timeout_s:g} s.", headers={"Retry-After": str(RETRY_AFTER_S)}
            ) from None

    return handle


async def _answer(request: web.Request, route: Route) -> web.StreamResponse:
    if route.params is not None:
        read_path(request, route.params)
    if route.query is not None:
        read_query(request, route.query)
    if route.idempotent:
        request[IDEMPOTENCY_KEY] = _idempotency_key(request)
    if route.request is not None:
        await read_body(request, route.request)
    return await route.handler(request)


def _limited(request: web.Request, route: Route) -> web.Request:
    """The request with this route's limit on its body; a body that announces more is refused unread."""
    if route.method == "GET":
        return request
    if request.content_length is not None and request.content_length > route.body_bytes_max:
        raise BODY_TOO_LARGE(f"{request.content_length} bytes are announced, {route.body_bytes_max} are read at most.")
    return request.clone(client_max_size=route.body_bytes_max)


def _idempotency_key(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise IDEMPOTENCY_KEY_MISSING(
            "Send the header Idempotency-Key: 1 to 255 visible ASCII characters, new for each intent."
        )
    return key


async def leave_expectation(_request: web.Request) -> None:
    """Aiohttp asks this before any middleware runs; the gate answers later, when it knows that it wants the body."""


async def _meet_expectation(request: web.Request) -> None:
    expectation = request.headers.get("Expect")
    if expectation is None:
        return
    if expectation.lower() != "100-continue":
        raise EXPECTATION_FAILED(f"Expect: {shown(expectation)} is not met here, only 100-continue is.")
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # The answer itself has not begun: what was written is not part of it.
    request.writer.output_size = 0
