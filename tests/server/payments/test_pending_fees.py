"""The table of fees that are owed an answer."""

from __future__ import annotations

import asyncio

from server.payments.translate import FeeReference
from tests.server.payments.builders import event, intent
from tests.server.payments.world import World


async def owe(world: World, count: int) -> None:
    for number in range(count):
        await world.deliver(event("payment_intent.succeeded", intent(id=f"pi_{number}"), f"evt_{number}"))
    await world.work()


async def test_claims_at_the_same_time_never_share_a_fee(world: World) -> None:
    await owe(world, 30)
    claims = await asyncio.gather(*(world.fees.claim(f"w{n}", lease_s=30.0, limit=10) for n in range(6)))
    streams = [fee.stream for fees in claims for fee in fees]
    assert len(streams) == len(set(streams)) == 30


async def test_what_to_ask_for_is_sealed_and_opens_as_it_was(world: World) -> None:
    await owe(world, 1)
    [fee] = await world.fees.claim("w", lease_s=30.0, limit=1)
    assert b"pi_0" not in fee.sealed_reference
    assert world.fees.open(fee) == FeeReference(payment_intent="pi_0", charge="ch_test1")


async def test_a_fee_that_is_known_to_be_nothing_is_not_asked_for_after_a_hint(world: World) -> None:
    await owe(world, 1)
    [fee] = await world.fees.claim("w", lease_s=30.0, limit=1)
    await world.fees.zero(fee)
    await world.fees.hint(fee.stream, FeeReference(balance_transaction="txn_1"))
    assert await world.fees.claim("w", lease_s=30.0, limit=1) == []
    assert await world.fees.listing() == []


async def test_only_the_holder_of_the_lease_can_put_a_fee_off(world: World) -> None:
    await owe(world, 1)
    [fee] = await world.fees.claim("one", lease_s=30.0, limit=1)
    await world.fees.delay(fee, "two", 60.0, "not mine")
    assert await world.pool.fetchval("select claimed_by from payments_pending_fees") == "one"


async def test_the_list_is_bounded_and_begins_with_the_longest_waiting(world: World) -> None:
    await owe(world, 5)
    listed = await world.fees.listing(limit=3)
    assert [fee.position for fee in listed] == sorted(fee.position for fee in listed)
    assert len(listed) == 3
    assert (await world.fees.count()).count == 5
