"""What the inbox keeps of an erased giver: nothing that is worked, everything that may be money nobody booked (D3)."""

from __future__ import annotations

from server.erasure.eraser import Sealed
from server.payments.forgetting import Forgetting
from tests.server.payments.builders import charge, event, intent
from tests.server.payments.world import ORIGIN, World

KEPT = "select type, body is not null as kept from payments_inbox order by arrival"


async def kept(world: World) -> list[tuple[str, bool]]:
    return [tuple(row) for row in await world.pool.fetch(KEPT)]


async def test_worked_notices_of_the_payment_are_forgotten_and_others_are_not(world: World) -> None:
    other = event("payment_intent.succeeded", intent(id="pi_other", latest_charge="ch_other"), "evt_other")
    mine = event("payment_intent.succeeded", intent(), "evt_intent"), event("charge.succeeded", charge(), "evt_charge")
    await world.deliver(*mine, other)
    await world.work()
    await world.work()
    await world.deliver(event("charge.updated", charge(), "evt_late"))
    [gift, _] = await world.entries("giving.gift.")
    forgetting = Forgetting(world.pool, world.reader, world.vault, ORIGIN)
    stored = (await world.reader.entries(gift.position, 1))[0]
    for _ in range(2):
        await forgetting([Sealed("identity-abc", "books", gift.position, gift.type, stored.leaf_hash)])
        assert await kept(world) == [
            ("payment_intent.succeeded", False),
            ("charge.succeeded", False),
            ("payment_intent.succeeded", True),
            ("charge.updated", True),
        ]
    await world.work()
    assert (await world.states())["charge.updated"][0] == "done"


async def test_entries_of_other_logs_and_types_are_no_payments(world: World) -> None:
    await world.deliver(event("payment_intent.succeeded", intent(), "evt_intent"))
    await world.work()
    [gift] = await world.entries("giving.gift.")
    forgetting = Forgetting(world.pool, world.reader, world.vault, ORIGIN)
    await forgetting(
        [
            Sealed("identity-abc", "public", gift.position, gift.type, bytes(32)),
            Sealed("identity-abc", "books", gift.position, "people.member.joined.v1", bytes(32)),
        ]
    )
    assert await kept(world) == [("payment_intent.succeeded", True)]
