"""Every answer carries the headers that keep a browser from being talked into something."""

from __future__ import annotations

import pytest
from aiohttp import web

from server.http.headers import page_policy
from tests.server.http.serving import Settings, route, serving


async def show_page(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="<p>hello", content_type="text/html")


async def test_every_page_has_a_policy_without_inline_code_that_reaches_only_this_host() -> None:
    async with serving([route(handler=show_page)]) as edge:
        policy = (await edge.get("/thing")).headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == "'self'"
    assert directives["connect-src"] == f"'self' ws://127.0.0.1:{edge.port} wss://127.0.0.1:{edge.port}"
    assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"
    assert "unsafe" not in policy


@pytest.mark.parametrize("host", [b"evil.example;script-src *", b"a b", b"x' 'unsafe-inline"])
async def test_a_host_header_cannot_write_into_the_policy(host: bytes) -> None:
    async with serving([route(handler=show_page)]) as edge:
        answer = await edge.raw(b"GET /thing HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
    assert answer.headers["content-security-policy"] == page_policy("")


@pytest.mark.parametrize(("path", "status"), [("/thing", 200), ("/nowhere", 404), ("/openapi.json", 200)])
async def test_what_is_no_page_may_load_nothing(path: str, status: int) -> None:
    async with serving([route()]) as edge:
        answer = await edge.get(path)
    assert answer.status == status
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["server"] == "secondwind"


async def test_tls_is_demanded_for_the_future_only_where_it_was_spoken() -> None:
    async with serving([route()], Settings(trusted_proxies=("127.0.0.1",))) as edge:
        assert "strict-transport-security" not in (await edge.get("/thing")).headers
        assert "strict-transport-security" in (await edge.get("/thing", X_Forwarded_Proto="https")).headers
    async with serving([route()]) as edge:
        assert "strict-transport-security" not in (await edge.get("/thing", X_Forwarded_Proto="https")).headers
