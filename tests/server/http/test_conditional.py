"""A cache can ask again: the same tag gives 304, each encoding has its own, and gzip only for whom it suits."""

from __future__ import annotations

import gzip

import pytest
from aiohttp import web

from server.http.conditional import IMMUTABLE, answer, answer_compressed, takes_gzip
from tests.server.http.serving import Edge, route, serving

BODY = b"the same line again\n" * 5000


async def plain(request: web.Request) -> web.StreamResponse:
    return answer(request, b"hello", content_type="text/plain", etag="v1", cache_control=IMMUTABLE)


async def packed(request: web.Request) -> web.StreamResponse:
    return await answer_compressed(request, BODY, content_type="text/plain", etag="v1", cache_control="no-cache")


ROUTES = [route("/plain", plain), route("/packed", packed)]


async def test_an_answer_names_its_version_and_how_long_it_keeps() -> None:
    async with serving(ROUTES) as edge:
        got = await edge.get("/plain")
    assert (got.status, got.body, got.headers["etag"]) == (200, b"hello", '"v1"')
    assert got.headers["cache-control"] == IMMUTABLE


@pytest.mark.parametrize("held", ['"v1"', 'W/"v1"', '"v0", "v1"', "*"])
async def test_who_holds_this_version_gets_304_and_no_body(held: str) -> None:
    async with serving(ROUTES) as edge:
        got = await edge.get("/plain", If_None_Match=held)
    assert (got.status, got.body, got.headers["etag"]) == (304, b"", '"v1"')
    assert got.headers["cache-control"] == IMMUTABLE
    assert got.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("held", ['"v2"', "v1", '"v1', "", ",,,", '"' * 500])
async def test_another_or_a_malformed_version_gets_the_body(held: str) -> None:
    async with serving(ROUTES) as edge:
        got = await edge.get("/plain", If_None_Match=held)
    assert (got.status, got.body) == (200, b"hello")


async def test_gzip_is_the_same_body_with_another_tag() -> None:
    async with serving(ROUTES) as edge:
        packed_once, packed_twice = [await edge.get("/packed", Accept_Encoding="gzip") for _ in range(2)]
        plain_one = await edge.get("/packed", Accept_Encoding="identity")
        again = await edge.get("/packed", Accept_Encoding="gzip", If_None_Match='"v1-gzip"')
        crossed = await edge.get("/packed", Accept_Encoding="identity", If_None_Match='"v1-gzip"')
    assert gzip.decompress(packed_once.body) == plain_one.body == BODY
    assert packed_once.body == packed_twice.body
    assert packed_once.headers["content-encoding"] == "gzip"
    assert {each.headers["vary"] for each in (packed_once, plain_one, again)} == {"Accept-Encoding"}
    assert (packed_once.headers["etag"], plain_one.headers["etag"]) == ('"v1-gzip"', '"v1"')
    assert (again.status, crossed.status) == (304, 200)


async def head(edge: Edge, path: str) -> int:
    return int((await edge.request("HEAD", path, headers={"Accept-Encoding": "identity"})).headers["content-length"])


async def test_head_tells_the_length_that_get_would_have() -> None:
    async with serving(ROUTES) as edge:
        assert await head(edge, "/packed") == len(BODY)


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("gzip", True), ("GZIP", True), ("br, gzip;q=0.5", True), ("*", True), ("*;q=0.1", True),
        ("", False), ("identity", False), ("gzip;q=0", False), ("gzip;q=0.000", False), ("gzip; q=0.0", False),
        ("*, gzip;q=0", False), ("*;q=0", False), ("xgzip", False), ("gzip;q=", True), (";;,,=", False),
    ],
)  # fmt: skip
def test_gzip_is_sent_to_whom_takes_it(header: str, takes: bool) -> None:  # noqa: FBT001 - a column of the table
    assert takes_gzip(header) is takes
