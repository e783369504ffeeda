"""A real edge on a real socket for tests: any routes, any settings, and a raw way in for hostile bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from yarl import URL

from server.http.application import make_application
from server.http.routes import Access, Handler, Route
from server.http.runner import Runner

RAW_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Settings:
    trusted_proxies: tuple[str, ...] = ()
    metrics_token: str | None = None


@dataclass
class Answer:
    """An answer, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes
    content_type: str = field(init=False)

    def __post_init__(self) -> None:
        self.content_type = self.headers.get("content-type", "")

    def json(self) -> Any:
        return orjson.loads(self.body)


class Edge:
    """The running edge, as a client sees it."""

    def __init__(self, port: int, session: aiohttp.ClientSession) -> None:
        self.port = port
        self.base = f"http://127.0.0.1:{port}"
        self._session = session

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        """One request; the path is sent exactly as written."""
        url = URL(f"{self.base}{path}", encoded=True)
        async with self._session.request(method, url, allow_redirects=False, **options) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, headers, await response.read())

    async def get(self, path: str, **headers: str) -> Answer:
        """GET, with headers given as `If_None_Match="…"`."""
        return await self.request(
            "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    async def raw(self, data: bytes) -> Answer:
        """Send bytes as they are and read one answer, or what there is of it when the peer closes early."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            await writer.drain()
            async with asyncio.timeout(RAW_TIMEOUT_S):
                return await _read_answer(reader)
        finally:
            writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> Answer:
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    try:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except asyncio.IncompleteReadError as cut:
        body = cut.partial
    return Answer(int(status.split(" ")[1]), headers, body)


@asynccontextmanager
async def serving(routes: Iterable[Route], settings: Settings | None = None, **options: Any) -> AsyncIterator[Edge]:
    """Run the edge with these routes on a free loopback port."""
    runner = Runner(make_application(routes, settings or Settings(), **options))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=20)) as session:
        try:
            yield Edge(port, session)
        finally:
            await runner.cleanup()


def route(path: str = "/thing", handler: Handler | None = None, **fields: Any) -> Route:
    """A public GET route that answers `hello`, unless told otherwise."""
    values: dict[str, Any] = {
        "method": "GET",
        "path": path,
        "handler": handler or hello,
        "access": Access.PUBLIC,
        "summary": "A thing",
        "response": "text/plain",
        **fields,
    }
    return Route(**values)


async def hello(_request: web.Request) -> web.StreamResponse:
    """Answer `hello`."""
    return web.Response(text="hello")


def assert_problem(answer: Answer, status: int, slug: str) -> Any:
    """The answer is a well-formed problem of this kind, kept by no cache; returns its body."""
    body = answer.json()
    assert (answer.status, body["type"]) == (status, f"/problems/{slug}"), answer.body
    assert answer.content_type == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"].endswith((".", "?"))
    assert body["request_id"] == answer.headers["x-request-id"]
    return body
