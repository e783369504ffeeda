"""The publisher on real logs: each entry of `books` is passed once, under the policy of its month."""

from __future__ import annotations

import asyncio

import pytest

from ledger.types import Appended, Command
from server import birth
from server.publishing.policy import FeeFormula, Policy, change
from tests.server.publishing.world import UTC, World, move, sums
from tests.support.logs import ASSETS


class Crash(Exception):
    """The process ends here."""


class Crashing:
    """A writer that dies before or after it appended."""

    def __init__(self, world: World, *, after: bool) -> None:
        self._world = world
        self._after = after

    async def append(self, command: Command) -> Appended:
        if self._after:
            await self._world.public.writer.append(command)
        raise Crash


async def test_live_gifts_are_told_and_the_others_wait_for_what_they_chose(world: World) -> None:
    gift = await world.give(10_330)
    fee = await world.fee(gift, 329)
    quiet = await world.give(500, visibility="quiet")
    hidden = await world.give(700, visibility="hidden")
    await world.publish()
    [told] = await world.told()
    assert sums(told)["assets:cash", "rent"] == 10_330
    assert await world.waiting() == [(fee, "fee"), (quiet, "quiet"), (hidden, "hidden")]
    await world.verified()


@pytest.mark.parametrize("after", [False, True])
async def test_a_crash_between_decision_and_append_tells_every_gift_once(world: World, after: bool) -> None:  # noqa: FBT001 - a parameter of the case
    for number in range(3):
        await world.give(100 + number)
    await world.give(7, visibility="quiet")
    with pytest.raises(Crash):
        await world.publisher(Crashing(world, after=after)).step()
    await world.publish()
    assert [sums(entry)["assets:cash", "rent"] for entry in await world.told()] == [100, 101, 102]
    assert [kind for _, kind in await world.waiting()] == ["quiet"]


async def test_four_publishers_tell_every_gift_once(world: World) -> None:
    for number in range(5):
        await world.give(100 + number)
    await asyncio.gather(*(world.publisher().step() for _ in range(4)))
    await world.publish()
    assert len(await world.told()) == 5


async def test_a_changed_policy_is_followed_from_the_next_month_on(world: World) -> None:
    """Attacks A7."""
    dearer = Policy({asset: FeeFormula(1_000, 0) for asset in ASSETS})
    await world.public.writer.append(Command((change(dearer, world.year.clock_us(), UTC),)))
    await world.give(10_000)
    await world.publish()
    await world.year.go_to("2026-02-01T00:00:01")
    await world.give(10_000)
    await world.publish()
    usual = birth.default_policy(ASSETS).accrued_minor("USD/2", 10_000)
    assert [sums(entry)["expenses:processing", "rent"] for entry in await world.told()] == [usual, 1_000]
    await world.verified()


async def test_spending_is_told_line_by_line_and_a_vendor_is_named_who_agreed(world: World) -> None:
    await world.give(50_000, fund="general")
    vendor = {"vendor": {"slug": "corner-hardware", "name": "Corner Hardware"}}
    for named in ("yes", "no"):
        postings = move("expenses:equipment", "assets:bank", 4_000, "general")
        await world.book("giving.spending.paid.v1", postings, vendor, vendor_named=named)
    await world.publish()
    paid = await world.told("giving.spending.")
    assert [dict(entry.data) for entry in paid] == [{"vendor": "corner-hardware"}, {}]
    assert sums(paid[0]) == {("expenses:equipment", "general"): 4_000, ("assets:cash", "general"): -4_000}
    await world.verified()


async def test_only_round_payouts_are_told(world: World) -> None:
    """Attacks B9, X7: exact payouts less public gifts are the hidden ones."""
    for amount in (50_000, 49_999, 150_000, 123_456):
        await world.book("giving.payout.made.v1", move("assets:bank", "assets:stripe:available", amount), {})
    await world.publish()
    told = await world.told("giving.payout.")
    assert [dict(entry.data) for entry in told] == [
        {"amount": "50000", "asset": "USD/2"},
        {"amount": "150000", "asset": "USD/2"},
    ]
    assert all(entry.postings == () for entry in told)
    await world.verified()


async def test_four_publishers_that_have_nothing_to_tell_pass_it_once(world: World) -> None:
    await world.give(700, visibility="hidden")
    await asyncio.gather(*(world.publisher().step() for _ in range(4)))
    assert [kind for _, kind in await world.waiting()] == ["hidden"]


async def test_a_vendor_without_a_name_for_the_public_holds_nothing_up(world: World) -> None:
    await world.give(50_000, fund="general")
    postings = move("expenses:services", "assets:bank", 4_000, "general")
    vendors: list[object] = [None, "Corner Hardware", {}, {"slug": 7}, {"slug": "Corner Hardware!"}]
    for vendor in vendors:
        await world.book("giving.spending.paid.v1", postings, {"vendor": vendor}, vendor_named="yes")
    await world.publish()
    assert [dict(entry.data) for entry in await world.told("giving.spending.")] == [{}] * len(vendors)
