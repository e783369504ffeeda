"""One table becomes one application: nothing is served that does not say who may call it."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web

from server.errors import StartRefused
from server.http.application import make_application
from server.http.problems import ProblemKind
from server.http.routes import Access
from server.http.runner import Runner
from tests.server.http.serving import Settings, assert_problem, hello, route, serving


def test_a_route_without_access_does_not_start() -> None:
    with pytest.raises(StartRefused, match="GET /thing does not say who may call it"):
        make_application([route(access=None)], Settings())


async def test_a_route_added_beside_the_table_does_not_start() -> None:
    app = make_application([route()], Settings())
    app.router.add_get("/stowaway", hello)
    with pytest.raises(StartRefused, match="beside the route table"):
        await Runner(app).setup()


def test_two_kinds_of_problem_under_one_name_do_not_start() -> None:
    kinds = [ProblemKind("odd", 400, title, "It is odd.") for title in ("Odd", "Strange")]
    with pytest.raises(StartRefused, match="Two kinds of problem are called odd"):
        make_application([route("/a", problems=(kinds[0],)), route("/b", problems=(kinds[1],))], Settings())


def test_a_trusted_proxy_that_is_no_address_does_not_start() -> None:
    with pytest.raises(StartRefused, match=r"'proxy\.example' is neither"):
        make_application([], Settings(trusted_proxies=("proxy.example",)))


async def test_head_answers_as_get_without_the_body() -> None:
    async with serving([route()]) as edge:
        got, head = await edge.get("/thing"), await edge.request("HEAD", "/thing")
    assert got.body == b"hello"
    assert head.body == b""
    assert (head.status, head.headers["content-length"]) == (200, "5")


async def test_an_unknown_path_is_a_problem() -> None:
    async with serving([]) as edge:
        body = assert_problem(await edge.get("/nowhere"), 404, "not-found")
    assert "'/nowhere'" in body["detail"]


async def test_another_method_is_a_problem_that_names_the_methods() -> None:
    async with serving([route()]) as edge:
        answer = await edge.request("DELETE", "/thing")
    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_options_tells_what_a_path_allows() -> None:
    async with serving([route(), route(method="POST")]) as edge:
        answer = await edge.request("OPTIONS", "/thing")
    assert answer.status == 204
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert "access-control-allow-origin" not in answer.headers


async def test_the_preflight_of_a_shared_route_allows_conditional_reads_and_nothing_else() -> None:
    async with serving([route(cors=True)]) as edge:
        answer = await edge.request("OPTIONS", "/thing", headers={"Access-Control-Request-Method": "GET"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
    assert answer.headers["access-control-allow-headers"] == "If-None-Match"


async def test_only_shared_routes_may_be_read_by_other_origins() -> None:
    async with serving([route("/open", cors=True), route("/own")]) as edge:
        shared, own = await edge.get("/open"), await edge.get("/own")
    assert shared.headers["access-control-allow-origin"] == "*"
    assert shared.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "access-control-allow-origin" not in own.headers
    assert own.headers["cross-origin-resource-policy"] == "same-origin"


async def test_every_answer_carries_the_id_under_which_it_is_recorded() -> None:
    ids = iter(["first-id", "second-id"])
    async with serving([route()], new_id=lambda: next(ids)) as edge:
        assert (await edge.get("/thing", X_Request_Id="chosen-by-caller")).headers["x-request-id"] == "first-id"
        assert (await edge.get("/nowhere")).json()["request_id"] == "second-id"


async def test_a_trusted_proxys_request_id_is_kept_when_it_is_harmless() -> None:
    async with serving([route()], Settings(trusted_proxies=("127.0.0.1",)), new_id=lambda: "ours") as edge:
        assert (await edge.get("/thing", X_Request_Id="proxy-0123456789")).headers["x-request-id"] == "proxy-0123456789"
        assert (await edge.get("/thing", X_Request_Id='a"b c')).headers["x-request-id"] == "ours"


async def test_a_websocket_passes_and_outlives_every_limit_of_ordinary_routes() -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(await socket.receive_str())
        await socket.close()
        return socket

    row = route("/ws", echo, access=Access.SOCKET, timeout_s=None, response="application/octet-stream")
    async with (
        serving([row]) as edge,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{edge.base}/ws") as socket,
    ):
        await socket.send_str("hello")
        assert await socket.receive_str() == "hello"


async def test_redirects_are_answers_and_no_problems() -> None:
    async def away(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPSeeOther("/thing")

    async with serving([route("/old", away)]) as edge:
        answer = await edge.get("/old")
    assert (answer.status, answer.headers["location"]) == (303, "/thing")
