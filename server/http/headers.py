"""Security headers, set on every answer just before its headers leave, whatever made it."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from server.http.context import CLIENT, REQUEST_ID, ROUTES

EXPOSED = "ETag, Retry-After, X-Request-Id"
HSTS_S = 63_072_000

SEALED = "default-src 'none'; frame-ancestors 'none'"
ALWAYS = {
    # Instead of the name and version of a library.
    "Server": "secondwind",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self), payment=()",
}


async def set_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add to `response` what its kind and its route ask for. A signal handler: it runs for 404s and websockets too."""
    headers = response.headers
    headers.update(ALWAYS)
    client = request.get(CLIENT)
    if response.status != HTTPStatus.NOT_MODIFIED:
        # A cache puts the headers of a 304 in the place of those it holds: the page would be sealed on the next visit.
        html = response.content_type == "text/html"
        headers["Content-Security-Policy"] = page_policy(client.host if client else "") if html else SEALED
    route = request.config_dict[ROUTES].of(request)
    if route is not None and route.cors:
        headers["Access-Control-Allow-Origin"] = "*"
        headers["Access-Control-Expose-Headers"] = EXPOSED
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    else:
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if client is not None and client.secure:
        headers["Strict-Transport-Security"] = f"max-age={HSTS_S}"
    if REQUEST_ID in request:
        headers["X-Request-Id"] = request[REQUEST_ID]


def page_policy(host: str) -> str:
    """The Content-Security-Policy of a page: everything from here, nothing inline.

    `host` is a well-formed Host header or "". Its websocket origins are named because older browsers do not count
    them as 'self'; `ws:` alone would let a page talk to anybody.
    """
    sockets = f" ws://{host} wss://{host}" if host else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src 'self'{sockets}; manifest-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
