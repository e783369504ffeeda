"""The table of gifts is a fold of books: exact, and the same when it is built again."""

from __future__ import annotations

from datetime import date

from tests.server.payments.builders import charge, event, intent, movement
from tests.server.payments.world import World


async def give(world: World, number: int, metadata: dict[str, str], amount: int = 10330) -> None:
    thing = charge(
        id=f"ch_{number}",
        payment_intent=f"pi_{number}",
        balance_transaction=f"txn_{number}",
        amount_captured=amount,
        metadata=metadata,
    )
    await world.deliver(event("charge.succeeded", thing, f"evt_{number}"))
    await world.work()


async def test_each_gift_is_one_row_with_its_fee_once_that_is_known(world: World) -> None:
    await give(world, 1, {"fund": "rent", "cover_fees": "true", "visibility": "quiet"})
    [row] = await world.project()
    assert (row["fund"], row["asset"], row["amount_minor"], row["visibility"]) == ("rent", "USD/2", 10330, "quiet")
    assert (row["fee_borne_by"], row["fee_minor"], row["state"]) == ("giver", None, "received")
    assert row["effective_on"] == date(2025, 11, 24)
    world.provider.knows("ch_1", movement(id="txn_1"))
    await world.fee_worker().run_once()
    [row] = await world.project()
    assert row["fee_minor"] == 330
    [fee] = await world.entries("giving.fee.")
    assert row["fee_position"] == fee.position


async def test_a_gift_and_its_fee_in_one_batch_are_one_row(world: World) -> None:
    world.provider.knows("ch_1", movement(id="txn_1"))
    await give(world, 1, {"fund": "rent"})
    await world.fee_worker().run_once()
    [row] = await world.project()
    assert row["fee_minor"] == 330


async def test_a_suspended_gift_is_listed_as_such(world: World) -> None:
    await give(world, 1, {"fund": "coats"})
    [row] = await world.project()
    assert (row["state"], row["fund"], row["amount_minor"]) == ("suspense", "general", 10330)


async def test_an_amount_of_many_digits_is_exact(world: World) -> None:
    await give(world, 1, {}, amount=10**15 - 1)
    [row] = await world.project()
    assert int(row["amount_minor"]) == 10**15 - 1


async def test_built_again_from_position_0_it_is_the_same(world: World) -> None:
    for number, fund in enumerate(["rent", "tech", "coats", "general"]):
        world.provider.knows(f"ch_{number}", movement(id=f"txn_{number}"))
        await give(world, number, {"fund": fund})
    await world.fee_worker().run_once()
    before = await world.project()
    async with world.pool.acquire() as connection, connection.transaction():
        await connection.execute("delete from giving_gifts")
        await connection.execute("update ledger_tracking set next = 0 where projection = 'giving_gifts'")
    assert await world.project() == before
    assert len(before) == 4


async def test_entries_of_other_slices_are_passed_over(world: World) -> None:
    assert await world.project() == []
    head = await world.reader.head()
    assert head is not None
    assert await world.pool.fetchval("select next from ledger_tracking where projection = 'giving_gifts'") == head.size


async def test_gifts_of_one_payment_told_twice_are_one_row(world: World) -> None:
    await world.deliver(
        event("payment_intent.succeeded", intent(), "evt_a"), event("charge.succeeded", charge(), "evt_b")
    )
    await world.work()
    assert len(await world.project()) == 1
