"""Every GET that the description lists, with junk in every parameter: a problem or an answer, never a 500."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from tests.server.http.serving import Edge

JUNK = (
    "", "0", "-1", "01", "9" * 30, "1e9", "NaN", "null", "true", "..", "../..", "%", "\x00", "\ud7ff", "é", "٣",
    "' or 1=1 --", "<script>", "{}", "[]", "a" * 3000, "size-1", "\n", " ", "/", "//", "?", "#", ";",
    "x001/067", "000.p/0",
)  # fmt: skip


def requests(document: Any) -> Iterator[str]:
    """A path for every GET and every piece of junk, in its path, its query, and under a name nobody defined."""
    for (path, operations), junk in itertools.product(document["paths"].items(), JUNK):
        if "get" not in operations:
            continue
        parameters = operations["get"].get("parameters", [])
        sent = quote(junk, safe="")
        filled = path
        for parameter in parameters:
            if parameter["in"] == "path":
                filled = filled.replace(f"{{{parameter['name']}}}", sent)
        yield filled
        yield f"{filled}?{sent}={sent}"
        for parameter in parameters:
            if parameter["in"] == "query":
                yield f"{filled}?{parameter['name']}={sent}"


async def test_junk_in_any_parameter_is_answered_and_never_an_internal_error(whole: Edge) -> None:
    document = (await whole.request("GET", "/openapi.json", headers={"Accept-Encoding": "identity"})).json()
    sent = list(requests(document))
    assert len(sent) > 500
    for path in sent:
        answer = await whole.get(path)
        assert answer.status < 500, (path, answer.body)
        if answer.status >= 400:
            assert answer.content_type == "application/problem+json", path
            assert answer.json()["type"].startswith("/problems/"), path
        if answer.content_type.startswith("text/html"):
            assert "script-src 'self'" in answer.headers["content-security-policy"], path


async def test_every_kind_of_problem_in_the_description_has_its_page(whole: Edge) -> None:
    document = (await whole.request("GET", "/openapi.json", headers={"Accept-Encoding": "identity"})).json()
    slugs = {
        part.partition(":")[0]
        for operations in document["paths"].values()
        for operation in operations.values()
        for answer in operation["responses"].values()
        if "application/problem+json" in answer["content"]
        for part in answer["description"].split("; ")
    }
    assert {"proof-not-yet", "not-ready", "cursor-invalid"} <= slugs
    for slug in slugs:
        assert (await whole.get(f"/problems/{slug}")).status == 200, slug


async def test_every_public_route_of_the_log_may_be_read_from_any_page(whole: Edge) -> None:
    for path in (
        "/ledger/checkpoint",
        "/ledger/keys",
        "/ledger/tile/9",
        "/api/v1/ledger",
        "/api/v1/ledger/proof/999",
        "/api/v1/ledger/consistency?from=1",
        "/api/v1/ledger/trial-balance",
        "/api/v1/funds",
    ):
        assert (await whole.get(path)).headers["access-control-allow-origin"] == "*", path
    for path in ("/", "/status", "/metrics", "/health/ready", "/docs"):
        assert "access-control-allow-origin" not in (await whole.get(path)).headers, path


async def test_every_parameter_and_answer_of_the_ledger_is_described(whole: Edge) -> None:
    document = (await whole.request("GET", "/openapi.json", headers={"Accept-Encoding": "identity"})).json()
    reference = (await whole.request("GET", "/docs", headers={"Accept-Encoding": "identity"})).body.decode()
    for path, operations in document["paths"].items():
        if not path.startswith("/api/v1/ledger"):
            continue
        operation = operations["get"]
        assert path in reference
        assert operation["description"].endswith("."), path
        for parameter in operation.get("parameters", []):
            assert parameter["description"].endswith("."), (path, parameter)
            assert parameter["name"] in reference
    assert {"/api/v1/ledger/consistency", "/api/v1/ledger/trial-balance"} <= document["paths"].keys()
