"""The monthly passes on real logs: once a month and kind, whatever crashes, and before the month closes."""

from __future__ import annotations

import asyncio
import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

import sql
from ledger import merkle
from ledger.grammar import encode_base64
from server.closing.closer import Closer
from server.publishing import lines
from server.publishing.passes import KINDS
from server.status import operator_facts
from tests.server.publishing.test_publisher import Crash, Crashing
from tests.server.publishing.world import World, move, sums

FEBRUARY = "2026-02-04T00:00:10"
MARCH = "2026-03-04T00:00:10"
PEOPLE = "abcdefghijk"


async def five_gifts(world: World, **choice: str) -> list[int]:
    """Gifts of five people with their fees; their positions."""
    gifts = [await world.give(5_000 + n, who, **choice) for n, who in enumerate(PEOPLE[:5])]
    for gift in gifts:
        await world.fee(gift, 450)
    return gifts


async def test_nothing_is_told_before_the_fourth_day_after_the_month(world: World) -> None:
    await five_gifts(world)
    await world.year.go_to("2026-02-03T23:59:00")
    assert await world.pass_months() == 0
    await world.year.go_to(FEBRUARY)
    assert await world.pass_months() == len(KINDS)
    [fees] = await world.told("giving.fees.")
    assert fees.period == "2026-01"
    assert sums(fees)["assets:cash", "rent"] == -2_000
    await world.verified()


async def test_hidden_gifts_are_one_total_with_a_root_under_which_each_can_be_proved(world: World) -> None:
    """Attacks A6: a hidden giver gets a proof of the own line."""
    gifts = await five_gifts(world, visibility="hidden")
    await world.year.go_to(FEBRUARY)
    await world.pass_months()
    [batch] = await world.told()
    assert batch.type == "giving.gift_batch.received.v1"
    assert sums(batch) == {
        ("assets:cash", "rent"): 22_010,
        ("income:gifts", "rent"): -25_010,
        ("expenses:processing", "rent"): 3_000,
    }
    leaves = await world.year.admin.fetchval(
        "select leaves from publishing_batches where position = $1", batch.position
    )
    root = merkle.root(lines.leaf_hash(value) for value in leaves)
    assert batch.data == {"lines": encode_base64(root), "payers_min": 5}
    sealed = await world.books.reader.slots(gifts)
    for position in gifts:
        index = list(leaves).index(sealed[position].root)
        merkle.verify_inclusion(
            lines.leaf_hash(sealed[position].root), index, len(leaves), lines.path(leaves, index), root
        )
    assert await world.waiting() == []
    await world.verified()


@pytest.mark.parametrize("after", [False, True])
async def test_a_crash_in_a_pass_and_a_restart_mid_month_tell_every_fee_once(world: World, after: bool) -> None:  # noqa: FBT001 - a parameter of the case
    gifts = await five_gifts(world)
    await world.publish()
    await world.year.go_to(FEBRUARY)
    await world.publish()
    assert await world.passes().step() == 1  # hidden: there are none
    with pytest.raises(Crash):
        await world.passes(Crashing(world, after=after)).step()
    assert await world.pass_months() == (2 if after else 3)
    assert len(await world.told("giving.fees.")) == 1
    await world.year.go_to(MARCH)
    assert await world.pass_months() == len(KINDS)
    assert len(await world.told("giving.fees.")) == 1
    assert await world.waiting() == []
    assert len(gifts) == 5


async def test_four_processes_make_each_pass_once(world: World) -> None:
    await five_gifts(world)
    await five_gifts(world, visibility="hidden")
    await world.year.go_to(FEBRUARY)
    await world.publish()
    for _ in range(8):
        await asyncio.gather(*(world.passes().step() for _ in range(4)))
    rows = await world.year.admin.fetch("select month, kind from publishing_passes")
    assert sorted(row["kind"] for row in rows) == sorted(KINDS)
    assert [entry.type for entry in await world.told()][-2:] == [
        "giving.gift_batch.received.v1",
        "giving.fees.settled.v1",
    ]


async def test_what_is_short_of_company_waits_for_the_next_month(world: World) -> None:
    """Attacks B5: four people in January, a fifth in February."""
    for who in PEOPLE[:4]:
        await world.give(1_000, who, visibility="hidden", via="bank")
    await world.year.go_to(FEBRUARY)
    await world.pass_months()
    assert await world.told() == []
    await world.give(1_000, "e", visibility="hidden", via="bank")
    await world.year.go_to(MARCH)
    await world.pass_months()
    [batch] = await world.told()
    assert (batch.period, sums(batch)["income:gifts", "rent"]) == ("2026-02", -5_000)
    await world.verified()


async def test_help_is_carried_until_eleven_people_stand_behind_it(world: World) -> None:
    """Attacks B5: 4 people, then 5, then 10 are told in no month; 11 are, all of them."""
    await world.give(200_000)
    await world.book("giving.float.set.v1", move("assets:float:help", "assets:stripe:pending", 100_000), {})
    helped = 0
    for month, people in (("2026-02", 4), ("2026-03", 5), ("2026-04", 10), ("2026-05", 11)):
        assert await world.told("giving.help.") == []
        for number in range(helped, people):
            await world.help(f"person {number}", 1_000 + number, vendor=f"v{number % 3}")
        helped = people
        await world.year.go_to(f"{month}-04T00:00:10")
        await world.pass_months()
    [pooled] = await world.told("giving.help.")
    assert sums(pooled)["expenses:help:rent", "rent"] == sum(range(1_000, 1_011))
    assert pooled.period == "2026-04"
    await world.verified()


async def test_a_person_who_gave_under_two_customer_numbers_and_one_address_is_one(world: World) -> None:
    for who in [*PEOPLE[:4], "a"]:
        await world.give(1_000, who, visibility="hidden", via="bank")
    await world.year.go_to(FEBRUARY)
    await world.pass_months()
    assert await world.told() == []


async def test_refunds_after_publication_are_one_sum_of_their_month(world: World) -> None:
    """Attacks B11: no public entry points to a gift that was paid back."""
    gifts = await five_gifts(world)
    await world.publish()
    for gift in gifts:
        postings = move("income:gifts_returned", "assets:stripe:available", 5_000)
        await world.book("giving.refund.recorded.v1", postings, {}, refers_to=(gift,))
    await world.year.go_to(FEBRUARY)
    await world.pass_months()
    [settled] = await world.told("giving.reversals.")
    assert sums(settled)["income:gifts_returned", "rent"] == 25_000
    assert settled.refers_to == ()
    assert set(settled.data) == {"lines", "payers_min"}
    await world.verified()


async def test_a_hidden_gift_and_its_refund_are_told_in_that_order(world: World) -> None:
    gifts = [await world.give(1_000, who, visibility="hidden", via="bank") for who in PEOPLE[:5]]
    for gift in gifts:
        postings = move("income:gifts_returned", "assets:bank", 1_000)
        await world.book("giving.refund.recorded.v1", postings, {}, refers_to=(gift,))
    await world.year.go_to(FEBRUARY)
    await world.pass_months()
    assert [entry.type for entry in await world.told()] == [
        "giving.gift_batch.received.v1",
        "giving.reversals.settled.v1",
    ]


async def test_the_public_month_closes_after_it_is_told_and_waits_ten_days_at_most(world: World) -> None:
    """Attacks A11: a pass that fails must not leave a month open for ever."""
    await five_gifts(world)
    await world.publish()
    passes = world.passes()
    closer = Closer(world.public.pool, world.public.reader, world.public.writer, world.year.clock_us, passes.is_done)
    await world.year.go_to("2026-02-05T00:00:10")
    assert await closer.step() == 0
    told = dataclasses.replace(closer)
    await world.pass_months()
    assert await told.step() == 1
    await world.year.go_to("2026-03-10T23:59:00")
    assert await closer.step() == 0
    await world.year.go_to("2026-03-11T00:00:10")
    assert await closer.step() == 1
    assert await world.pass_months() == len(KINDS)
    await world.verified()


async def test_months_that_were_missed_are_made_up_for_oldest_first(world: World) -> None:
    await five_gifts(world)
    await world.year.go_to("2026-05-10T00:00:10")
    await five_gifts(world)
    assert await world.pass_months() == 4 * len(KINDS)
    rows = await world.year.admin.fetch("select distinct month from publishing_passes order by month")
    assert [row["month"] for row in rows] == ["2026-01", "2026-02", "2026-03", "2026-04"]
    await world.verified()


async def test_a_pass_waits_for_a_publisher_that_lags(world: World) -> None:
    await five_gifts(world)
    await world.year.go_to(FEBRUARY)
    assert await world.passes().step() == 0
    await world.publish()
    assert await world.passes().step() == 1


def test_the_kinds_of_passes_are_those_that_the_table_takes() -> None:
    schema = (sql.ROOT / "schema.sql").read_text()
    assert all(f"'{kind}'" in schema for kind in KINDS)


async def test_the_operator_sees_what_of_the_month_is_told(world: World) -> None:
    pools: Any = SimpleNamespace(publisher=world.public.pool)
    nothing: Any = None
    monthly = operator_facts(pools, nothing, nothing, nothing, {})["monthly_passes"]
    assert await monthly() == {}
    await world.year.go_to(FEBRUARY)
    await world.pass_months()
    assert await monthly() == {"2026-01": ["fee", "help", "hidden", "reversal"]}
