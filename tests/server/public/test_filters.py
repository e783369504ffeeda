"""A query becomes a filter, or a problem that says what would."""

from __future__ import annotations

import pytest

from server.http.problems import Problem
from server.public.filters import NAMES_SHOWN_MAX, Filter
from server.public.models import LedgerQuery


def made(**query: str) -> Filter | None:
    return Filter.of(LedgerQuery.model_validate(query))


def test_a_query_that_names_nothing_is_no_filter() -> None:
    assert made() is made(limit="7") is made(before="x") is None


def test_what_entries_say_of_themselves_needs_no_posting() -> None:
    assert made(type="a.b.c.v1") == Filter(type="a.b.c.v1", digits_min=0)
    assert made(period="2026-09") == Filter(period="2026-09", digits_min=0)
    assert made(fund="rent", period="2026-09") == Filter(fund="rent", period="2026-09", of_postings=True)


@pytest.mark.parametrize(
    ("query", "digits"),
    [
        ({"amount_from": "1"}, (1, 31)),
        ({"amount_from": "100"}, (3, 31)),
        ({"amount_below": "100"}, (1, 2)),
        ({"amount_from": "10", "amount_below": "100"}, (2, 2)),
        ({"amount_below": "1" + "0" * 31}, (1, 31)),
    ],
)
def test_amounts_are_asked_for_by_their_digits(query: dict[str, str], digits: tuple[int, int]) -> None:
    found = made(asset="USD/2", **query)
    assert found is not None
    assert (found.digits_min, found.digits_max) == digits


def test_a_name_that_was_declared_passes_and_so_does_every_branch_of_accounts() -> None:
    declared = {"account": ["assets:float:help"], "fund": ["rent"]}
    for category in ("assets", "assets:float", "assets:float:help"):
        Filter(category=category, fund="rent").check(declared)
    for category in ("asset", "assets:", "float", "assets:float:help:x"):
        with pytest.raises(Problem, match="declared no"):
            Filter(category=category).check(declared)


def test_a_refusal_names_what_there_is_but_not_without_end() -> None:
    many = [f"fund{number:03d}" for number in range(200)]
    with pytest.raises(Problem) as refused:
        Filter(fund="coats").check({"fund": many})
    assert f"{many[NAMES_SHOWN_MAX - 1]}, …." in refused.value.detail
    with pytest.raises(Problem, match="It has declared none yet"):
        Filter(fund="coats").check({})
