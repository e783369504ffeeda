"""Who may call what: each kind of access against each kind of caller."""

from __future__ import annotations

import itertools

import pytest
from aiohttp import web

from server.http.access import AccessControl
from server.http.context import PRINCIPAL
from server.http.routes import Access, role
from server.identity.authenticator import NobodyAuthenticator, Principal
from tests.server.http.serving import Settings, assert_problem, route, serving


class Desk:
    """Knows two people by their tokens."""

    async def authenticate(self, token: str) -> Principal | None:
        roles = {"admin-token": "admin", "donor-token": "donor"}.get(token)
        return Principal("somebody", frozenset({roles}), 0) if roles else None


async def whoami(request: web.Request) -> web.StreamResponse:
    return web.Response(text=request[PRINCIPAL].subject if PRINCIPAL in request else "anyone")


ROUTES = [
    route("/public", whoami),
    route("/webhook", whoami, access=Access.WEBHOOK),
    route("/socket", whoami, access=Access.SOCKET),
    route("/operator", whoami, access=Access.OPERATOR),
    route("/admin", whoami, access=role("admin", "auditor")),
]
LOCAL = {"Host": "localhost"}
FAR = {"Host": "ledger.example.org"}
CALLERS = {
    "local": LOCAL,
    "far": FAR,
    "proxied": {**LOCAL, "X-Forwarded-For": "127.0.0.1"},
    "metrics": {**FAR, "Authorization": "Bearer metrics-token"},
    "admin": {**FAR, "Authorization": "Bearer admin-token"},
    "donor": {**FAR, "Authorization": "Bearer donor-token"},
    "stranger": {**FAR, "Authorization": "Bearer nonsense"},
    "basic": {**FAR, "Authorization": "Basic YWRtaW4tdG9rZW4="},
}
ADMITTED = {
    "/public": set(CALLERS),
    "/webhook": set(CALLERS),
    "/socket": set(CALLERS),
    "/operator": {"local", "metrics"},
    "/admin": {"admin"},
}


@pytest.mark.parametrize(("path", "caller"), list(itertools.product(ADMITTED, CALLERS)))
async def test_a_caller_is_admitted_where_the_table_says_so_and_nowhere_else(path: str, caller: str) -> None:
    async with serving(ROUTES, Settings(metrics_token="metrics-token"), authenticator=Desk()) as edge:
        answer = await edge.request("GET", path, headers=CALLERS[caller])
    if caller in ADMITTED[path]:
        assert (answer.status, answer.body) == (200, b"somebody" if path == "/admin" else b"anyone")
    elif path == "/operator":
        assert_problem(answer, 403, "operator-only")
    elif caller == "donor":
        assert_problem(answer, 403, "not-allowed")
    else:
        assert_problem(answer, 401, "not-signed-in")
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_without_a_metrics_token_no_token_opens_the_operators_routes() -> None:
    async with serving(ROUTES) as edge:
        for token in ("", "None", "null", "x"):
            answer = await edge.request("GET", "/operator", headers={**FAR, "Authorization": f"Bearer {token}"})
            assert_problem(answer, 403, "operator-only")


def test_an_empty_metrics_token_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="would admit everybody"):
        AccessControl(NobodyAuthenticator(), "")
