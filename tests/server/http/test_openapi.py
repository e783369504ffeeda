"""The description is the table: complete, resolvable, and the same each time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from pydantic import BaseModel

from server.http.inputs import Parameters, Position
from server.http.openapi import describe, path_names, template
from server.http.problems import ProblemKind
from server.http.routes import Access, role
from tests.server.http.serving import hello, route


class Inner(BaseModel):
    amount_minor: str


class Thing(BaseModel):
    name: str
    parts: list[Inner]


class Where(Parameters):
    position: Position


class Filter(Parameters):
    fund: str
    word: str | None = None


TAKEN = ProblemKind("taken", 409, "Taken", "It is taken.")
TABLE = [
    route("/things/{position}", params=Where, query=Filter, response=Thing, tags=("things",), cors=True),
    route("/things", method="POST", request=Thing, response=Thing, status=201, idempotent=True, problems=(TAKEN,)),
    route("/tiles/{path:.+}"),
    route("/admin", access=role("admin")),
    route("/metrics", access=Access.OPERATOR),
    route("/hidden", listed=False),
]


@pytest.fixture
def document() -> Any:
    return describe(TABLE, "1.2.3")


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_listed_route_is_described_and_no_other(document: Any) -> None:
    described = {(method.upper(), path) for path, each in document["paths"].items() for method in each}
    assert described == {
        ("GET", "/things/{position}"),
        ("POST", "/things"),
        ("GET", "/tiles/{path}"),
        ("GET", "/admin"),
        ("GET", "/metrics"),
    }
    assert (document["openapi"], document["info"]["version"]) == ("3.1.0", "1.2.3")


def test_every_reference_leads_to_a_schema(document: Any) -> None:
    found = set(references(document))
    assert {
        "#/components/schemas/Inner",
        "#/components/schemas/ProblemBody",
        "#/components/schemas/InputError",
    } <= found
    assert {ref.rpartition("/")[2] for ref in found} <= set(document["components"]["schemas"])


def test_parameters_stand_with_their_place_limits_and_need(document: Any) -> None:
    position, fund, word = document["paths"]["/things/{position}"]["get"]["parameters"]
    assert (position["in"], position["required"]) == ("path", True)
    assert position["schema"] == {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
    assert (fund["in"], fund["required"], word["required"]) == ("query", True, False)


def test_a_value_route_asks_for_its_key_and_tells_its_limit_and_problems(document: Any) -> None:
    operation = document["paths"]["/things"]["post"]
    assert operation["parameters"][0]["name"] == "Idempotency-Key"
    assert operation["x-body-bytes-max"] == 65_536
    assert {"201", "400", "409", "413", "415", "500", "503"} <= set(operation["responses"])
    assert operation["responses"]["409"]["description"] == "taken: Taken"


def test_access_is_told(document: Any) -> None:
    paths = document["paths"]
    assert paths["/admin"]["get"]["security"] == [{"accessToken": ()}]
    assert paths["/admin"]["get"]["x-access"] == "role: admin"
    assert paths["/metrics"]["get"]["security"] == [{}, {"metricsToken": ()}]
    assert "security" not in paths["/things"]["post"]


def test_operation_names_are_unique(document: Any) -> None:
    names = [operation["operationId"] for each in document["paths"].values() for operation in each.values()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in names)


def test_the_same_table_gives_the_same_document(document: Any) -> None:
    assert describe(TABLE, "1.2.3") == document


@pytest.mark.parametrize(
    ("path", "written", "names"),
    [
        ("/", "/", []),
        ("/a/{b}/c/{d}", "/a/{b}/c/{d}", ["b", "d"]),
        ("/a/{b:.+}", "/a/{b}", ["b"]),
        (r"/a/{b:[0-9]{1,3}}/{c}", "/a/{b}/{c}", ["b", "c"]),
    ],
)
def test_patterns_are_left_out_of_paths(path: str, written: str, names: list[str]) -> None:
    assert (template(path), path_names(path)) == (written, names)
    web.Application().router.add_get(path, hello)


def test_a_parameter_that_may_be_left_out_is_of_its_own_type_and_not_null() -> None:
    operation = describe(TABLE, "1")["paths"]["/things/{position}"]["get"]
    (word,) = [parameter for parameter in operation["parameters"] if parameter["name"] == "word"]
    assert (word["required"], word["schema"]) == (False, {"type": "string"})
