"""The public side's own problems can be told apart and explain themselves."""

from __future__ import annotations

from server.http.problems import GENERAL, ProblemKind, catalogue
from server.public import problems

KINDS = [kind for kind in vars(problems).values() if isinstance(kind, ProblemKind)]


def test_each_has_a_name_and_a_number_that_say_what_it_is() -> None:
    assert len(catalogue([*GENERAL, *KINDS])) == len(GENERAL) + len(KINDS)
    for kind in KINDS:
        assert kind.status == (404 if kind.slug.endswith(("-not-yet", "-not-found")) else 400)
        assert kind.explanation.endswith(".")
