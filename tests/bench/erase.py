"""Erasing people one by one: list, key, audit log and boxes, each durable; beside what the audit log alone costs."""

from __future__ import annotations

import time

from ledger.projector import Projector
from server.audit import events
from server.erasure.projections import BOOKS
from tests.bench.context import Context, take_turns
from tests.bench.result import Result
from tests.server.erasure.world import World, make_world
from tests.support.postgres import opened

NAME = "erase"
PEOPLE, GIFTS_EACH = 100, 5


async def run(context: Context) -> list[Result]:
    """Erasures a second, and for each the two entries that tell of it."""
    many = context.of(PEOPLE)
    context.say(f"erase: {many} people a turn, {GIFTS_EACH} gifts each")
    async with opened(context.server) as database, make_world(database, context.directory) as world:
        numbers = iter(range(10**9))

        async def erased() -> float:
            names = [f"giver {next(numbers)}" for _ in range(many)]
            for name in names:
                await world.give(name, GIFTS_EACH)
            await _index(world)
            keys = [(await world.keys(name))[0] for name in names]
            began = time.perf_counter()
            for key in keys:
                requested = await world.eraser.request(key, "ada", "asked")
                done = await world.eraser.erase(key, requested, "ada")
                if done.entries != GIFTS_EACH:
                    raise AssertionError(f"{done.entries} entries were erased, not {GIFTS_EACH}")
            return many / (time.perf_counter() - began)

        async def told() -> float:
            began = time.perf_counter()
            for _ in range(many):
                for what in ("asked", "done"):
                    await world.trail.record(events.changed(what=what, actor="ada", target="x", reason="asked"))
            return many / (time.perf_counter() - began)

        mine, beside = await take_turns(context.runs, [erased, told])
    return [Result("a person erased, one after another", "/s", mine, beside, "the two audit entries alone")]


async def _index(world: World) -> None:
    projector = Projector(world.database.writer, BOOKS)
    await projector.start()
    while await projector.step():
        pass
