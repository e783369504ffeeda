"""Pages that explain the interface: /openapi.json for programs, /docs and /problems for people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from server.http.conditional import REVALIDATE, answer_compressed, digest_tag
from server.http.html import CONTENT_TYPE, Markup, element, joined, page, prose
from server.http.inputs import Parameters, parsed
from server.http.problems import NOT_FOUND, ProblemKind, shown
from server.http.routes import Access, Handler, Route

STATIC = Path(__file__).parent / "static"
STYLESHEET = STATIC / "house.css"
ICON = STATIC / "favicon.ico"

Object = Mapping[str, Any]


class ProblemName(Parameters):
    """Which kind of problem."""

    slug: str


class Reference:
    """The reference's routes. They are rows of the table they describe, so the document is handed in later."""

    def __init__(self) -> None:
        self._document = b""
        self._docs = b""
        self._problems: Mapping[str, ProblemKind] = {}
        self._stylesheet = STYLESHEET.read_bytes()
        self._icon = ICON.read_bytes()

    def fill(self, document: Object, problems: Mapping[str, ProblemKind]) -> None:
        """Set what the routes answer."""
        self._document = orjson.dumps(document, option=orjson.OPT_INDENT_2)
        self._docs = docs_page(document)
        self._problems = problems

    def routes(self) -> list[Route]:
        """The rows of the table."""

        def row(path: str, handler: Handler, summary: str, response: str, **more: Any) -> Route:  # noqa: ANN401 - a row's fields
            return Route(
                method="GET",
                path=path,
                handler=handler,
                access=Access.PUBLIC,
                summary=summary,
                response=response,
                tags=("reference",),
                **more,
            )

        return [
            row("/openapi.json", self.openapi, "This interface, for programs", "application/json", cors=True),
            row("/docs", self.docs, "This interface, for people", "text/html"),
            row("/problems", self.problem_list, "Every kind of problem", "text/html"),
            row(
                "/problems/{slug}",
                self.problem,
                "What a kind of problem means",
                "text/html",
                params=ProblemName,
                problems=(NOT_FOUND,),
            ),
            row("/house.css", self.stylesheet, "The stylesheet of the pages above", "text/css", listed=False),
            row("/favicon.ico", self.icon, "The icon that browsers ask every page for", "image/x-icon", listed=False),
        ]

    async def openapi(self, request: web.Request) -> web.StreamResponse:
        """GET /openapi.json."""
        return await _answer(request, self._document, "application/json")

    async def docs(self, request: web.Request) -> web.StreamResponse:
        """GET /docs."""
        return await _answer(request, self._docs, CONTENT_TYPE)

    async def problem_list(self, request: web.Request) -> web.StreamResponse:
        """GET /problems."""
        return await _answer(request, problems_page(self._problems), CONTENT_TYPE)

    async def problem(self, request: web.Request) -> web.StreamResponse:
        """GET /problems/{slug}: the page that a problem's `type` points to."""
        slug = parsed(request, ProblemName).slug
        kind = self._problems.get(slug)
        if kind is None:
            raise NOT_FOUND(f"No kind of problem is called {shown(slug)}; all of them are listed at /problems.")
        return await _answer(request, problem_page(kind), CONTENT_TYPE)

    async def stylesheet(self, request: web.Request) -> web.StreamResponse:
        """GET /house.css."""
        return await _answer(request, self._stylesheet, "text/css; charset=utf-8")

    async def icon(self, request: web.Request) -> web.StreamResponse:
        """GET /favicon.ico."""
        return await _answer(request, self._icon, "image/x-icon")


async def _answer(request: web.Request, body: bytes, content_type: str) -> web.Response:
    return await answer_compressed(
        request, body, content_type=content_type, etag=digest_tag(body), cache_control=REVALIDATE
    )


def problem_page(kind: ProblemKind) -> bytes:
    """One kind of problem, explained."""
    return page(
        kind.title,
        element("p", element("code", f"{kind.status} {kind.slug}"), class_="quiet"),
        element("h1", kind.title),
        element("p", prose(kind.explanation), class_="lead"),
        element(
            "p", element("a", "All problems", href="/problems"), " · ", element("a", "The reference", href="/docs")
        ),
    )


def problems_page(kinds: Mapping[str, ProblemKind]) -> bytes:
    """Every kind of problem."""
    rows = [
        element(
            "tr",
            element("td", str(kind.status)),
            element("td", element("a", element("code", kind.slug), href=f"/problems/{kind.slug}")),
            element("td", kind.title),
        )
        for kind in sorted(kinds.values(), key=lambda kind: (kind.status, kind.slug))
    ]
    return page(
        "Problems",
        element("h1", "Problems"),
        element("p", "Every answer that is not what was asked for has one of these types.", class_="lead"),
        element("table", joined(rows)),
    )


def docs_page(document: Object) -> bytes:
    """The whole interface as one page, without script: each route folds open."""
    sections: dict[str, list[Markup]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = next(iter(operation["tags"]), "other")
            sections.setdefault(tag, []).append(_operation(path, method, operation))
    info = document["info"]
    return page(
        f"{info['title']}: the interface",
        element("h1", info["title"]),
        element("p", info["summary"], class_="lead"),
        element("p", prose(info["description"])),
        element(
            "ul",
            element("li", element("a", "openapi.json", href="/openapi.json")),
            element("li", element("a", "Problems", href="/problems")),
            element("li", element("a", "The ledger", href="/")),
            class_="links",
        ),
        *(joined([element("h2", tag.capitalize()), *parts]) for tag, parts in sections.items()),
    )


def _operation(path: str, method: str, operation: Object) -> Markup:
    inside = [element("p", prose(operation["description"]))] if "description" in operation else []
    inside.append(element("p", f"Access: {operation['x-access']}", class_="quiet"))
    if "x-body-bytes-max" in operation:
        inside.append(element("p", f"Reads at most {operation['x-body-bytes-max']:,} bytes.", class_="quiet"))
    if "parameters" in operation:
        inside.append(
            element(
                "table",
                _heading("parameter", "in", "type", ""),
                joined([_parameter(each) for each in operation["parameters"]]),
            )
        )
    answers = [
        element(
            "tr",
            element("td", status),
            element("td", ", ".join(answer["content"])),
            element("td", answer["description"]),
        )
        for status, answer in operation["responses"].items()
    ]
    inside.append(element("table", _heading("status", "body", ""), joined(answers)))
    return element(
        "details",
        element(
            "summary",
            element("span", method.upper(), class_="method"),
            element("span", path, class_="path"),
            element("span", operation["summary"], class_="what"),
        ),
        element("div", joined(inside), class_="inside"),
    )


def _heading(*names: str) -> Markup:
    return element("tr", *(element("th", name) for name in names))


def _parameter(parameter: Object) -> Markup:
    schema = parameter["schema"]
    kinds = [schema] if "type" in schema else schema.get("anyOf", [])
    limits = ", ".join(
        f"{word} {schema[key]}"
        for key, word in (("minimum", "from"), ("maximum", "to"), ("default", "else"))
        if key in schema
    )
    kind = " or ".join(str(each.get("type", "string")) for each in kinds if each.get("type") != "null") or "string"
    return element(
        "tr",
        element("td", element("code", parameter["name"])),
        element("td", parameter["in"]),
        element("td", f"{kind} {limits}".strip()),
        element("td", prose(parameter.get("description", ""))),
    )
