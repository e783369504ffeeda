"""The rules of publishing keep what they promise against an attacker who succeeds without them (X3, X7, X11, B12)."""

from __future__ import annotations

import asyncio

import pytest

from tests.leaks.attacks import every
from tests.leaks.attacks.results import Result, table

SEED = 4
TRIALS = 400


@pytest.fixture(scope="module")
def found() -> list[Result]:
    """Every attack, tried a few hundred times."""
    return asyncio.run(every.results(SEED, TRIALS))


def test_no_attack_learns_more_than_the_rules_promise(found: list[Result]) -> None:
    """X3: a quiet gift in company is one of five, each false payer takes one place; X7, X11, B12 as the table says."""
    broken = [result for result in found if not result.holds]
    assert not broken, table(broken)


def test_without_the_rules_the_same_attacks_succeed(found: list[Result]) -> None:
    """An attacker who cannot do anything anyway would prove nothing."""
    tried = [result for result in found if result.bound is not None and result.without]
    assert {result.attack for result in tried} == {"X3", "X7", "X11", "B12"}
    harmless = [result for result in tried if result.without is not None and result.without <= result.allowed]
    assert not harmless, table(harmless)


@pytest.mark.parametrize("attack", ["X3", "X7", "X11", "B12"])
def test_each_attack_is_tried_often_enough(found: list[Result], attack: str) -> None:
    assert sum(result.trials for result in found if result.attack == attack and result.bound is not None) >= TRIALS / 2


def test_a_rule_that_promises_too_much_is_reported_as_broken() -> None:
    broken = Result("X0", "which is it", 1_000, learned=0.35, chance=0.1, without=1.0, bound=0.2)
    assert not broken.holds
    assert "35.0 % BROKEN" in table([broken])
    assert Result("X0", "which is it", 1_000, learned=0.23, chance=0.1, without=1.0, bound=0.2).holds


def test_the_same_seed_finds_the_same() -> None:
    assert asyncio.run(every.results(7, 20)) == asyncio.run(every.results(7, 20))
