"""The page: hashed assets for ever, the index asked about each time, and nothing from outside its directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.http.conditional import IMMUTABLE
from server.http.page import FILE_BYTES_MAX, WebPage
from tests.server.http.serving import assert_problem, serving

INDEX = '<!doctype html><title>t</title><script type="module" src="/assets/main-1a2b.js"></script>'


@pytest.fixture
def built(tmp_path: Path) -> Path:
    directory = tmp_path / "app"
    (directory / "assets").mkdir(parents=True)
    (directory / "index.html").write_text(INDEX)
    (directory / "assets" / "main-1a2b.js").write_text("export const a = 1;\n" * 200)
    (directory / "assets" / "font-1a2b.woff2").write_bytes(b"font")
    (directory / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    (directory / "link.txt").symlink_to(tmp_path / "secret.txt")
    return directory


async def test_the_index_is_asked_about_each_time_and_has_a_policy(built: Path) -> None:
    async with serving(WebPage(built).routes()) as edge:
        answer = await edge.get("/", Accept_Encoding="identity")
        again = await edge.get("/", Accept_Encoding="identity", If_None_Match=answer.headers["etag"])
    assert answer.body.decode() == INDEX
    assert answer.content_type == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert again.status == 304
    # A browser takes the headers of a 304 over into the page that it holds.
    assert not {"content-security-policy", "content-type"} & again.headers.keys()


async def test_hashed_assets_are_kept_for_ever_and_other_files_are_not(built: Path) -> None:
    async with serving(WebPage(built).routes()) as edge:
        script, font, icon = [
            await edge.get(path) for path in ("/assets/main-1a2b.js", "/assets/font-1a2b.woff2", "/favicon.svg")
        ]
    assert (script.headers["cache-control"], font.headers["cache-control"]) == (IMMUTABLE, IMMUTABLE)
    assert icon.headers["cache-control"] == "no-cache"
    assert script.content_type == "text/javascript; charset=utf-8"
    assert font.content_type == "font/woff2"
    assert icon.content_type == "image/svg+xml"


async def test_the_page_that_verifies_has_an_address_of_its_own(built: Path) -> None:
    (built / "verify.html").write_text(INDEX.replace("main", "verify"))
    async with serving(WebPage(built).routes()) as edge:
        answer = await edge.get("/verify", Accept_Encoding="identity")
    assert b"verify-1a2b.js" in answer.body
    assert (answer.content_type, answer.headers["cache-control"]) == ("text/html; charset=utf-8", "no-cache")
    assert "script-src 'self'" in answer.headers["content-security-policy"]


async def test_a_build_from_before_that_page_has_nothing_there(built: Path) -> None:
    async with serving(WebPage(built).routes()) as edge:
        assert_problem(await edge.get("/verify"), 404, "not-found")


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../../secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/link.txt",
        "/assets//etc/passwd", "/assets/..\\..\\secret.txt", "/assets/%00", "/secret.txt", "/assets/", "/.env",
        "/assets/main-1a2b.js/", "/assets/%6dain-1a2b.js", "/assets/./main-1a2b.js",
    ],
)  # fmt: skip
async def test_no_path_leads_out_of_the_directory(built: Path, path: str) -> None:
    async with serving(WebPage(built).routes()) as edge:
        answer = await edge.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert_problem(answer, 404, "not-found")


async def test_a_page_that_was_not_built_says_so_kindly_and_the_service_runs(tmp_path: Path) -> None:
    page = WebPage(tmp_path / "app")
    async with serving(page.routes()) as edge:
        answer = await edge.get("/", Accept_Encoding="identity")
        assert_problem(await edge.get("/assets/main-1a2b.js"), 404, "not-found")
    assert answer.status == 200
    assert b"has not been built" in answer.body
    assert b'href="/docs"' in answer.body
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert not page.built


async def test_a_new_build_is_served_without_a_restart(built: Path) -> None:
    page = WebPage(built)
    assert page.built
    async with serving(page.routes()) as edge:
        await edge.get("/")
        (built / "assets" / "main-3c4d.js").write_text("export const a = 2;")
        (built / "index.html").write_text(INDEX.replace("1a2b", "3c4d") + "<!-- newer -->")
        assert (await edge.get("/")).headers["etag"]
        assert (await edge.get("/assets/main-3c4d.js")).status == 200


async def test_a_giant_among_the_files_is_not_taken_into_memory(built: Path) -> None:
    with (built / "movie.mp4").open("wb") as file:
        file.truncate(FILE_BYTES_MAX + 1)
    async with serving(WebPage(built).routes()) as edge:
        assert_problem(await edge.get("/movie.mp4"), 404, "not-found")
