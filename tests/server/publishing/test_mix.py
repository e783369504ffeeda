"""Quiet gifts, floats and cleared batches on real logs: told in company, when covered, as a whole."""

from __future__ import annotations

import asyncio

import pytest

from ledger.types import Appended, Command
from tests.server.publishing.test_publisher import Crash, Crashing
from tests.server.publishing.world import World, move, sums


async def quiet_gifts(world: World, *payers: str) -> None:
    for number, who in enumerate(payers):
        await world.give(100 + number, who, visibility="quiet")
    await world.publish()


async def test_five_quiet_gifts_of_five_people_are_told_at_one_minute_and_four_are_not(world: World) -> None:
    """Attacks B1, X3."""
    await quiet_gifts(world, *"abcd")
    assert await world.mix().step() == 0
    await quiet_gifts(world, "e")
    assert await world.mix().step() == 5
    told = await world.told()
    assert sorted(sums(entry)["assets:cash", "rent"] for entry in told) == [100, 100, 101, 102, 103]
    assert len({entry.at_us for entry in told}) == 1
    assert await world.waiting() == []
    await world.verified()


async def test_five_quiet_gifts_of_one_person_wait_for_a_day(world: World) -> None:
    await quiet_gifts(world, *"aaaaa")
    assert await world.mix().step() == 0
    await world.year.go_to("2026-01-11T00:01:10")
    assert await world.mix().step() == 5
    await world.verified()


@pytest.mark.parametrize("after", [False, True])
async def test_a_crash_while_quiet_gifts_are_told_tells_each_once(world: World, after: bool) -> None:  # noqa: FBT001 - a parameter of the case
    await quiet_gifts(world, *"abcde")
    with pytest.raises(Crash):
        await world.mix(Crashing(world, after=after)).step()
    assert await world.mix().step() == (0 if after else 5)
    assert len(await world.told()) == 5


async def test_four_processes_tell_quiet_gifts_once(world: World) -> None:
    await quiet_gifts(world, *"abcde")
    assert sorted(await asyncio.gather(*(world.mix().step() for _ in range(4)))) == [0, 0, 0, 5]
    assert len(await world.told()) == 5


async def test_money_is_set_aside_in_public_once_there_is_as_much_and_in_round_steps(world: World) -> None:
    """Attacks C3, B9: what is not published yet is not spendable, and shows in no float."""
    await world.give(250_000, "a", visibility="hidden")
    for amount in (100_000, 100_001):
        await world.book("giving.float.set.v1", move("assets:float:help", "assets:bank", amount), {})
    await world.publish()
    assert await world.mix().step() == 0
    await world.give(110_000, "b")
    await world.publish()
    assert await world.mix().step() == 1
    assert await world.mix().step() == 0
    [told] = await world.told("giving.float.")
    assert sums(told) == {("assets:float:help", "rent"): 100_000, ("assets:cash", "rent"): -100_000}
    await world.verified()


async def test_what_is_about_to_be_told_when_a_month_begins_is_told_in_that_month(world: World) -> None:
    """Attacks A11: midnight may lie between the choice of a month and the append."""
    await world.give(250_000, "a")
    await world.book("giving.float.set.v1", move("assets:float:help", "assets:bank", 100_000), {})
    await world.publish()
    await world.year.go_to("2026-02-28T23:59:59")

    class Midnight:
        """It passes just before the append."""

        async def append(self, command: Command) -> Appended:
            await world.year.go_to("2026-03-01T00:00:01")
            return await world.public.writer.append(command)

    assert await world.mix(Midnight()).step() == 1
    [told] = await world.told("giving.float.")
    assert told.period == "2026-03"


async def test_a_pooled_batch_is_cleared_as_a_whole_and_once(world: World) -> None:
    """Attacks B6: no line of a batch has a status of its own."""
    await world.give(10_000)
    await world.book("giving.float.set.v1", move("assets:float:help", "assets:stripe:pending", 1_000), {})
    for number in range(11):
        await world.help(f"person {number}", 10, vendor=f"v{number % 3}")
    await world.year.go_to("2026-02-04T00:00:10")
    assert await world.pass_months() == 4
    [pooled] = await world.told("giving.help.")
    with pytest.raises(Crash):
        await world.mix(Crashing(world, after=True)).step()
    assert await world.mix().step() == 0
    [_, cleared] = await world.told("giving.help.")
    assert cleared.refers_to == (pooled.position,)
    assert sums(cleared) == {("assets:float:help", "rent"): -110, ("liabilities:vendors", "rent"): 110}
    await world.verified()


async def test_what_another_told_meanwhile_is_not_told_again(world: World) -> None:
    await quiet_gifts(world, *"abcde")

    class Slow:
        """Another process tells them just before this one does."""

        async def append(self, command: Command) -> Appended:
            await world.mix().step()
            return await world.public.writer.append(command)

    assert await world.mix(Slow()).step() == 0
    assert len(await world.told()) == 5
