"""The reference can be read: by programs, by people, and by whoever follows the `type` of a problem."""

from __future__ import annotations

import ast
from html import escape
from pathlib import Path
from typing import Any

import pytest

import server
from server.http.page import WebPage
from server.http.problems import GENERAL, ProblemKind
from tests.server.http.serving import Edge, assert_problem, route, serving

ODD = ProblemKind("odd-thing", 418, "Odd <b>thing</b>", "It is odd & stays so.")
IDENTITY = {"Accept-Encoding": "identity"}


async def read(edge: Edge, path: str) -> Any:
    return await edge.request("GET", path, headers=IDENTITY)


async def test_the_description_is_served_with_a_tag() -> None:
    async with serving([route("/thing")], version="9.9") as edge:
        answer = await read(edge, "/openapi.json")
        again = await edge.request(
            "GET", "/openapi.json", headers={**IDENTITY, "If-None-Match": answer.headers["etag"]}
        )
    assert answer.json()["info"]["version"] == "9.9"
    assert set(answer.json()["paths"]) == {"/thing", "/openapi.json", "/docs", "/problems", "/problems/{slug}"}
    assert again.status == 304


async def test_the_readable_page_names_every_route_and_needs_nothing_from_elsewhere() -> None:
    async with serving([route("/thing", summary="A <script>thing</script>", tags=("things",))]) as edge:
        page = await read(edge, "/docs")
        stylesheet = await read(edge, "/house.css")
    text = page.body.decode()
    assert "/thing" in text
    assert "&lt;script&gt;thing" in text
    assert "<script" not in text
    assert "style=" not in text
    assert "://" not in text.replace("/openapi.json", "")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert stylesheet.content_type == "text/css; charset=utf-8"


async def test_the_icon_that_browsers_ask_for_is_there_whether_or_not_the_page_was_built(tmp_path: Path) -> None:
    async with serving(WebPage(tmp_path).routes()) as edge:
        icon = await read(edge, "/favicon.ico")
    assert icon.status == 200
    assert icon.content_type == "image/x-icon"
    assert icon.body.startswith(b"\x00\x00\x01\x00")


async def test_the_type_of_every_problem_is_a_page_that_explains_it() -> None:
    async with serving([route(problems=(ODD,))]) as edge:
        for kind in (*GENERAL, ODD):
            page = await read(edge, f"/problems/{kind.slug}")
            assert page.status == 200, kind.slug
            assert f"<code>{kind.status} {kind.slug}</code>" in page.body.decode()
            assert escape(kind.title) in page.body.decode()
        listed = (await read(edge, "/problems")).body.decode()
        assert_problem(await read(edge, "/problems/invented"), 404, "not-found")
    assert all(f'href="/problems/{kind.slug}"' in listed for kind in (*GENERAL, ODD))


def defined_and_raised() -> tuple[set[str], dict[str, Path]]:
    """Slugs given to ProblemKind, and slugs given to Problem itself with the file that does, anywhere in the server."""
    defined: set[str] = set()
    raised: dict[str, Path] = {}
    for path in Path(server.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            slugs = [
                each.value for each in node.args[:2] if isinstance(each, ast.Constant) and isinstance(each.value, str)
            ]
            if node.func.id == "ProblemKind" and slugs:
                defined.add(slugs[0])
            elif node.func.id == "Problem" and slugs:
                raised[slugs[0]] = path
    return defined, raised


def test_every_problem_raised_anywhere_in_the_server_is_of_a_documented_kind() -> None:
    defined, raised = defined_and_raised()
    assert {"not-found", "proof-not-yet", "not-ready"} <= defined
    undocumented = {slug: path.name for slug, path in raised.items() if slug not in defined}
    assert not undocumented, "define a ProblemKind and name it in the route's `problems`"


@pytest.mark.parametrize("kind", GENERAL, ids=lambda kind: kind.slug)
def test_an_explanation_is_whole_sentences(kind: ProblemKind) -> None:
    assert kind.explanation.endswith(".")
    assert kind.explanation[0].isupper()
    assert 400 <= kind.status < 600
