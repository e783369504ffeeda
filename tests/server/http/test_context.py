"""From a request to the row of the table that answers it."""

from __future__ import annotations

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from server.http.context import RouteLookup
from tests.server.http.serving import hello, route


def test_a_request_that_was_never_routed_has_no_row() -> None:
    lookup = RouteLookup()
    row = route()
    added = web.Application().router.add_get("/thing", hello)
    lookup.add(added, row)
    assert added in lookup
    assert lookup.of(make_mocked_request("GET", "/thing")) is None
