"""What the edge has found out about a request, under typed keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from server.http.clients import Client
from server.identity.authenticator import Principal

if TYPE_CHECKING:
    from server.http.routes import Route

REQUEST_ID = web.RequestKey("request_id", str)
CLIENT = web.RequestKey("client", Client)
PRINCIPAL = web.RequestKey("principal", Principal)
"""Set on routes with `role(…)` access only."""
IDEMPOTENCY_KEY = web.RequestKey("idempotency_key", str)
"""Set on `idempotent` routes only."""


class RouteLookup:
    """From aiohttp's route objects to the rows of our table."""

    def __init__(self) -> None:
        self._rows: dict[web.AbstractRoute, Route] = {}

    def add(self, route: web.AbstractRoute, row: Route) -> None:
        """Remember which row `route` was made from."""
        self._rows[route] = row

    def __contains__(self, route: object) -> bool:
        return route in self._rows

    def of(self, request: web.BaseRequest) -> Route | None:
        """The row that answers `request`; None when no route does."""
        info = getattr(request, "match_info", None)
        return self._rows.get(info.route) if info is not None else None


ROUTES = web.AppKey("routes", RouteLookup)
