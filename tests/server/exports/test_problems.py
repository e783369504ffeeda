"""The problems of exports can be told apart from all others and explain themselves."""

from __future__ import annotations

from server.exports import problems
from server.http.problems import GENERAL, ProblemKind, catalogue
from server.public import problems as public

KINDS = [kind for kind in vars(problems).values() if isinstance(kind, ProblemKind)]
OTHERS = [kind for kind in vars(public).values() if isinstance(kind, ProblemKind)]


def test_each_has_a_name_of_its_own_and_ends_in_a_full_stop() -> None:
    assert len(catalogue([*GENERAL, *OTHERS, *KINDS])) == len(GENERAL) + len(OTHERS) + len(KINDS)
    assert all(kind.explanation.endswith(".") for kind in KINDS)


def test_what_comes_later_is_told_apart_from_what_never_comes() -> None:
    assert {kind.slug: kind.status for kind in KINDS} == {
        "export-not-yet": 503,
        "range-not-satisfiable": 416,
        "range-too-long": 400,
        "range-unsigned": 404,
    }
