"""One application out of every area's table of routes."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry

from server.errors import StartRefused
from server.http.access import ACCESS_CONTROL, AccessControl
from server.http.clients import trusted_networks
from server.http.context import ROUTES, RouteLookup
from server.http.gate import guarded, leave_expectation
from server.http.headers import set_security_headers
from server.http.metrics import HTTPMetrics
from server.http.middleware import answer_problems, remember
from server.http.openapi import describe
from server.http.problems import GENERAL, catalogue
from server.http.reference import Reference
from server.http.routes import Handler, Route, check_table
from server.identity.authenticator import Authenticator, NobodyAuthenticator

PREFLIGHT_S = 86_400


class EdgeSettings(Protocol):
    """What the edge needs of the settings."""

    @property
    def trusted_proxies(self) -> Sequence[str]:
        """Addresses or networks whose forwarded headers are believed."""

    @property
    def metrics_token(self) -> str | None:
        """Opens operator routes from elsewhere; None: from this machine only."""


def make_application(  # noqa: PLR0913 - the edge's dependencies, each replaceable in a test
    routes: Iterable[Route],
    settings: EdgeSettings,
    *,
    authenticator: Authenticator | None = None,
    registry: CollectorRegistry | None = None,
    version: str = "0",
    new_id: Callable[[], str] = lambda: secrets.token_hex(8),
    monotonic_s: Callable[[], float] = time.perf_counter,
) -> web.Application:
    """Build the application, with its own description and problem pages added to `routes`.

    Raises StartRefused for a route that does not say who may call it, for two that answer the same, for problems that
    share a name, and for a trusted proxy that is no address. Routes added later than here do not start.
    """
    reference = Reference()
    table = check_table([*routes, *reference.routes()])
    access = AccessControl(authenticator or NobodyAuthenticator(), settings.metrics_token)
    metrics = HTTPMetrics(registry or CollectorRegistry())
    app = web.Application(
        middlewares=[
            remember(new_id, monotonic_s, metrics, trusted_networks(settings.trusted_proxies)),
            answer_problems,
        ]
    )
    app[ROUTES] = RouteLookup()
    app[ACCESS_CONTROL] = access
    for route in table:
        _add(app, route, access)
    _add_options(app, table)
    reference.fill(describe(table, version), catalogue([*GENERAL, *(kind for row in table for kind in row.problems)]))
    app.on_response_prepare.append(set_security_headers)
    app.on_startup.append(_refuse_strangers)
    return app


def _add(app: web.Application, route: Route, access: AccessControl) -> None:
    handler = guarded(route, access)
    # A HEAD is a GET whose body stays here: aiohttp keeps the headers, so one handler serves both.
    for method in ("GET", "HEAD") if route.method == "GET" else (route.method,):
        added = app.router.add_route(method, route.path, handler, expect_handler=leave_expectation)
        app[ROUTES].add(added, route)


def _add_options(app: web.Application, table: Sequence[Route]) -> None:
    """OPTIONS for every path: what it allows, and the preflight of routes that other origins may read."""
    by_path: defaultdict[str, list[Route]] = defaultdict(list)
    for route in table:
        by_path[route.path].append(route)
    for path, rows in by_path.items():
        methods = (
            {row.method for row in rows}
            | {"OPTIONS"}
            | ({"HEAD"} if any(row.method == "GET" for row in rows) else set())
        )
        shared = next((row for row in rows if row.cors), None)
        added = app.router.add_route(
            "OPTIONS", path, _options_handler(", ".join(sorted(methods)), cors=shared is not None)
        )
        app[ROUTES].add(added, shared or rows[0])


def _options_handler(allow: str, *, cors: bool) -> Handler:
    headers = {"Allow": allow}
    if cors:
        headers["Access-Control-Allow-Methods"] = "GET, HEAD"
        headers["Access-Control-Allow-Headers"] = "If-None-Match"
        headers["Access-Control-Max-Age"] = str(PREFLIGHT_S)

    async def options(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=204, headers=headers)

    return options


async def _refuse_strangers(app: web.Application) -> None:
    for route in app.router.routes():
        if route not in app[ROUTES]:
            raise StartRefused(
                f"{route.method} {route.resource} was added beside the route table.",
                "Make it a Route, with its access.",
            )
