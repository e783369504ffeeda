"""Turns of the bench: every thing is counted once, and sides alternate."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

from tests.bench.context import Context, alternate, callers, take_turns
from tests.support.postgres import Server


async def test_callers_share_the_things_and_each_is_counted_once() -> None:
    done: list[int] = []

    async def act(n: int) -> None:
        await asyncio.sleep(0)
        done.append(n)

    turn = await callers(8, 100, act)
    assert sorted(done) == list(range(100))
    assert (turn.count, len(turn.waits_ms)) == (100, 100)
    assert turn.rate == 100 / turn.seconds


async def test_things_of_two_kinds_alternate_one_by_one() -> None:
    order: list[str] = []

    async def first(n: int) -> None:
        order.append(f"a{n}")

    async def second(n: int) -> None:
        order.append(f"b{n}")

    turns = await alternate(2, [first, second])
    assert order == ["a0", "b0", "a1", "b1"]
    assert [turn.count for turn in turns] == [2, 2]


async def test_each_side_has_its_turn_before_one_has_the_next() -> None:
    order: list[str] = []

    async def side(name: str) -> float:
        order.append(name)
        return float(len(order))

    assert await take_turns(2, [lambda: side("a"), lambda: side("b")]) == [[1, 3], [2, 4]]


def test_less_work_is_never_none() -> None:
    context = Context(cast("Server", None), Path(), scale=0.2)
    assert [context.of(count) for count in (1_000, 2)] == [200, 1]
