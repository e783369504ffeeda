"""The two things every request passes: one that remembers it, one that turns whatever goes wrong into a problem."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Middleware

from ledger.errors import Unavailable
from ledger.outages import is_away
from server.http.clients import FORWARDING_HEADERS, Client, Network, identify
from server.http.context import CLIENT, REQUEST_ID, ROUTES
from server.http.metrics import HTTPMetrics
from server.http.problems import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    INTERNAL_ERROR,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    UNAVAILABLE,
    Problem,
    respond,
    shown,
)
from server.http.request_log import SERVER_ERROR, RequestLine, log_failure, log_request
from server.http.routes import Handler

DATABASE_RETRY_AFTER_S = 2
NO_ROUTE = "-"

_FOREIGN_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


def remember(
    new_id: Callable[[], str], monotonic_s: Callable[[], float], metrics: HTTPMetrics, trusted: Sequence[Network]
) -> Middleware:
    """Outermost: names the request, finds out who asks, and leaves one log line and its figures."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        client = identify_request(request, trusted)
        request[CLIENT] = client
        request[REQUEST_ID] = _request_id(request, client, new_id)
        started_s = monotonic_s()
        status, size = 499, 0  # what remains when the caller went away before there was an answer
        metrics.begin()
        try:
            response = await handler(request)
            status, size = response.status, _size(response)
        finally:
            duration_s = monotonic_s() - started_s
            row = request.config_dict[ROUTES].of(request)
            route = row.path if row else NO_ROUTE
            metrics.end(request.method, route, status, duration_s)
            if row is None or not row.quiet or status >= SERVER_ERROR:
                log_request(
                    RequestLine(
                        request[REQUEST_ID],
                        request.method,
                        route,
                        status,
                        round(duration_s * 1000, 2),
                        size,
                        client.network,
                    )
                )
        return response

    return middleware


def identify_request(request: web.Request, trusted: Sequence[Network]) -> Client:
    """The client of a request, by its socket and, from trusted proxies, its forwarded headers."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    over_tls = request.transport is not None and request.transport.get_extra_info("sslcontext") is not None
    return identify(
        peer[0] if isinstance(peer, tuple) else None,
        request.headers.get("Host", ""),
        request.headers.getall("X-Forwarded-For", []),
        forwarded=any(name in request.headers for name in FORWARDING_HEADERS),
        proto="https" if over_tls else request.headers.get("X-Forwarded-Proto", ""),
        trusted=trusted,
    )


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Innermost: whatever is raised becomes a problem that tells the caller what he may know, and nothing else."""
    try:
        return await handler(request)
    except web.HTTPException as answer:
        if answer.status < 400:  # noqa: PLR2004 - redirects are answers, not problems
            raise
        problem = _from_aiohttp(answer, request)
    except Exception as error:
        if request.writer.output_size > 0:
            raise  # An answer has begun: a second one in the same stream would be read as part of it.
        problem = _from_exception(error, request)
    return respond(problem, request[REQUEST_ID])


def _from_exception(error: Exception, request: web.Request) -> Problem:
    if isinstance(error, Problem):
        return error
    row = request.config_dict[ROUTES].of(request)
    route = row.path if row else NO_ROUTE
    if isinstance(error, Unavailable):
        return UNAVAILABLE("Nothing was booked.", headers={"Retry-After": str(math.ceil(error.retry_after_s))})
    log_failure(request[REQUEST_ID], route, error)
    if _is_database_down(error):
        return UNAVAILABLE("The database does not answer.", headers={"Retry-After": str(DATABASE_RETRY_AFTER_S)})
    return INTERNAL_ERROR("It is recorded under the request id.")


def _is_database_down(error: Exception) -> bool:
    """Whether the database is starting, stopping, full, too busy or away: the caller's request was not at fault.

    An error about a file has the file's name, and one about a connection has none.
    """
    return is_away(error) and not (isinstance(error, OSError) and error.filename is not None)


def _from_aiohttp(answer: web.HTTPException, request: web.Request) -> Problem:
    if isinstance(answer, web.HTTPNotFound):
        return NOT_FOUND(f"Nothing is at {shown(request.path)}. The reference is at /docs.")
    if isinstance(answer, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(answer.allowed_methods))
        return METHOD_NOT_ALLOWED(f"{shown(request.method)} is not one of {allowed}.", headers={"Allow": allowed})
    if isinstance(answer, web.HTTPRequestEntityTooLarge):
        return BODY_TOO_LARGE("The body is longer than this route reads; the reference at /docs says how much it does.")
    return Problem(answer.status, BAD_REQUEST.slug, answer.reason, f"The request was refused: {answer.reason}.")


def _request_id(request: web.Request, client: Client, new_id: Callable[[], str]) -> str:
    """A trusted proxy's id, so that its log and ours can be read side by side; else a new one."""
    offered = request.headers.get("X-Request-Id", "")
    return offered if client.proxied and _FOREIGN_ID.fullmatch(offered) else new_id()


def _size(response: web.StreamResponse) -> int:
    return len(response.body) if isinstance(response, web.Response) and isinstance(response.body, bytes) else 0
