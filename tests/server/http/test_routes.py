"""The table refuses rows that must not be served, before anything is."""

from __future__ import annotations

from typing import Any

import pytest

from server.errors import StartRefused
from server.http.routes import Access, check_table, role
from tests.server.http.serving import route


@pytest.mark.parametrize(
    "fields",
    [
        {"cors": True, "access": Access.OPERATOR},
        {"cors": True, "method": "POST"},
        {"idempotent": True},
        {"path": "thing"},
    ],
)
def test_a_row_that_contradicts_itself_does_not_start(fields: dict[str, Any]) -> None:
    with pytest.raises(StartRefused):
        check_table([route(**fields)])


def test_two_routes_for_the_same_request_do_not_start() -> None:
    with pytest.raises(StartRefused, match="Two routes answer GET /thing"):
        check_table([route(), route()])


def test_a_refusal_names_the_route_and_the_remedy() -> None:
    with pytest.raises(StartRefused) as refused:
        check_table([route("/open", access=None)])
    assert refused.value.sentence == "Route GET /open does not say who may call it."
    assert "PUBLIC" in refused.value.remedy


def test_a_whole_table_passes_as_it_is() -> None:
    table = (route("/a", cors=True), route("/a", method="POST", idempotent=True), route("/b", access=role("admin")))
    assert check_table(table) == table


def test_a_role_route_without_roles_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one role"):
        role()


def test_access_is_written_for_people() -> None:
    assert [str(access) for access in (Access.PUBLIC, role("b", "a"))] == ["public", "role: a, b"]
