"""A problem is one shape, shows offending values harmlessly, and has one definition per name."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import StartRefused
from server.http.problems import (
    GENERAL,
    SHOWN_CHARS_MAX,
    InputError,
    ProblemBody,
    ProblemKind,
    catalogue,
    respond,
    shown,
)

ODD = ProblemKind("odd", 409, "Odd", "It is odd.")


def test_a_problem_has_the_members_of_the_rfc_and_those_it_needs() -> None:
    problem = ODD(
        "Seven is odd.", pointer="#/n", headers={"Retry-After": "3"}, errors=(InputError(pointer="#/n", detail="x"),)
    )
    response = respond(problem, "r1")
    assert isinstance(response.body, bytes)
    body = orjson.loads(response.body)
    ProblemBody.model_validate(body, strict=True)
    assert body == {
        "type": "/problems/odd",
        "title": "Odd",
        "status": 409,
        "detail": "Seven is odd.",
        "request_id": "r1",
        "pointer": "#/n",
        "errors": [{"pointer": "#/n", "detail": "x"}],
    }
    assert response.headers["Retry-After"] == "3"
    assert response.headers["Cache-Control"] == "no-store"


def test_members_that_say_nothing_are_absent() -> None:
    body = respond(ODD("Seven is odd."), "r1").body
    assert isinstance(body, bytes)
    assert set(orjson.loads(body)) == {"type", "title", "status", "detail", "request_id"}


@given(st.text(max_size=300))
def test_a_shown_value_is_short_and_printable(value: str) -> None:
    assert shown(value).isprintable()
    assert len(shown(value)) <= 10 * SHOWN_CHARS_MAX + 2


def test_a_name_has_one_definition() -> None:
    assert catalogue([ODD, ODD]) == {"odd": ODD}
    with pytest.raises(StartRefused, match="Two kinds of problem are called odd"):
        catalogue([ODD, ProblemKind("odd", 400, "Odd", "It is odd.")])


def test_the_general_kinds_have_names_of_their_own() -> None:
    assert len(catalogue(GENERAL)) == len(GENERAL)
