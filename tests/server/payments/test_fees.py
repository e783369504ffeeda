"""What payments cost: asked until it is known, booked once, visible in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ledger.errors import Busy
from server.domains.giving.events import BOOKS_TYPES
from server.payments.stripe_api import ProviderRefuses, ProviderUnreachable
from server.payments.translate import FeeReference
from tests.server.payments.builders import charge, event, intent, movement
from tests.server.payments.world import ORIGIN, World

INTENT = event("payment_intent.succeeded", intent(), "evt_intent")
CHARGE = event("charge.succeeded", charge(), "evt_charge")


async def fees(world: World) -> list[tuple[str, int, str]]:
    entries = await world.entries("giving.fee.")
    return [(str(entry.data["borne_by"]), -entry.postings[0].amount, entry.postings[0].fund) for entry in entries]


async def ask(world: World) -> None:
    await world.fee_worker().run_once()


async def test_a_booked_gift_owes_a_fee_until_the_provider_has_said_it(world: World) -> None:
    await world.deliver(INTENT)
    await world.work()
    [owed] = await world.fees.listing()
    [gift] = await world.entries("giving.gift.")
    assert (owed.position, owed.attempts, owed.last_error) == (gift.position, 0, None)
    world.provider.knows("ch_test1", movement())
    await ask(world)
    assert await fees(world) == [("charity", 330, "general")]
    assert (await world.fees.count()).count == 0
    [fee] = await world.entries("giving.fee.")
    assert fee.refers_to == (gift.position,)


async def test_the_fund_of_a_giver_who_covers_it_bears_the_fee(world: World) -> None:
    await world.deliver(event("charge.succeeded", charge(metadata={"fund": "rent", "cover_fees": "true"})))
    await world.work()
    world.provider.knows("ch_test1", movement())
    await ask(world)
    assert await fees(world) == [("giver", 330, "rent")]


async def test_the_provider_is_asked_by_the_most_exact_name_that_is_known(world: World) -> None:
    await world.deliver(INTENT)
    await world.work()
    await ask(world)
    await world.deliver(CHARGE)
    await world.work()
    await ask(world)
    assert world.provider.asked == [
        FeeReference("pi_test1", "ch_test1"),
        FeeReference("pi_test1", "ch_test1", "txn_test1"),
    ]


async def test_an_updated_charge_makes_the_question_due_at_once(world: World) -> None:
    await world.deliver(event("charge.succeeded", charge(settled=False)))
    await world.work()
    await ask(world)
    await ask(world)
    assert len(world.provider.asked) == 1, "the pause has not run out"
    world.provider.knows("ch_test1", movement())
    await world.deliver(event("charge.updated", charge(), "evt_updated"))
    await world.work()
    await ask(world)
    assert await fees(world) == [("charity", 330, "general")]


async def test_a_hint_before_the_gift_is_forgotten_and_after_the_fee_harmless(world: World) -> None:
    hint = event("charge.updated", charge(), "evt_updated")
    await world.deliver(hint, INTENT)
    await world.work()
    world.provider.knows("ch_test1", movement())
    await ask(world)
    await world.deliver(event("charge.updated", charge(), "evt_again"))
    await world.work()
    await ask(world)
    assert len(await fees(world)) == 1


async def test_a_provider_that_is_down_and_comes_back_is_asked_again_and_nothing_is_lost(world: World) -> None:
    world.provider.answers["ch_test1"] = ProviderUnreachable("status 503")
    await world.deliver(INTENT)
    await world.work()
    pauses = []
    for _ in range(4):
        await ask(world)
        [row] = await world.pool.fetch(
            "select last_error, extract(epoch from due_at - now())::float8 as pause_s from payments_pending_fees"
        )
        assert "status 503" in row["last_error"]
        pauses.append(round(row["pause_s"]))
        await world.make_due()
    assert pauses == [2, 4, 8, 16]
    assert (await world.fees.count()).troubled == 1
    world.provider.knows("ch_test1", movement())
    await ask(world)
    assert len(await fees(world)) == 1


@pytest.mark.parametrize(
    ("error", "said"), [(Busy(4096), "4096 commands"), (ConnectionResetError(), "the database was away")]
)
async def test_while_the_ledger_cannot_append_the_fee_waits(world: World, error: Exception, said: str) -> None:
    async def refuse(_command: object) -> None:
        raise error

    world.provider.knows("ch_test1", movement())
    await world.deliver(INTENT)
    await world.work()
    world.writer.before = refuse
    await ask(world)
    [owed] = await world.fees.listing()
    assert said in str(owed.last_error)
    world.writer.before = None
    await world.make_due()
    await ask(world)
    assert len(await fees(world)) == 1


async def test_a_fee_whose_gift_is_not_in_the_books_stays_visible(world: World) -> None:
    world.provider.knows("ch_test1", movement())
    key_id, sealed = world.fees.seal(FeeReference(charge="ch_test1"))
    insert = "insert into payments_pending_fees (stream, position, reference, reference_key) values ($1, 0, $2, $3)"
    await world.pool.execute(insert, bytes(32), sealed, key_id)
    await ask(world)
    [owed] = await world.fees.listing()
    assert owed.last_error == "its gift is not in the books"


async def test_a_movement_that_is_not_known_yet_is_no_trouble(world: World) -> None:
    await world.deliver(INTENT)
    await world.work()
    await ask(world)
    count = await world.fees.count()
    assert (count.count, count.troubled) == (1, 0)
    assert count.oldest is not None


async def test_a_fee_of_nothing_is_known_without_an_entry_and_not_asked_for_again(world: World) -> None:
    world.provider.knows("ch_test1", movement(fee=0))
    await world.deliver(INTENT)
    await world.work()
    await ask(world)
    await world.make_due()
    await ask(world)
    assert await fees(world) == []
    assert len(world.provider.asked) == 1
    assert (await world.fees.count()).count == 0
    assert await world.pool.fetchval("select known_zero_at is not null from payments_pending_fees")


async def test_workers_that_ask_at_the_same_time_book_one_fee(world: World) -> None:
    world.provider.knows("ch_test1", movement())
    await world.deliver(INTENT)
    await world.work()
    [owed] = await world.fees.claim("slow", lease_s=30.0, limit=1)
    await asyncio.gather(*(world.fee_worker(f"fees-{number}").work(owed) for number in range(5)))
    assert len(await fees(world)) == 1
    assert (await world.fees.count()).count == 0


async def test_a_worker_that_dies_between_question_and_append_leaves_the_row_to_the_next(world: World) -> None:
    world.provider.knows("ch_test1", movement())
    await world.deliver(INTENT)
    await world.work()
    await world.fees.claim("dead", lease_s=30.0, limit=1)
    await ask(world)
    assert await fees(world) == []
    await world.make_due()
    await ask(world)
    assert len(await fees(world)) == 1


async def test_one_movement_cannot_stand_behind_two_gifts(world: World) -> None:
    other = intent(id="pi_other", latest_charge="ch_other")
    await world.deliver(INTENT, event("payment_intent.succeeded", other, "evt_other"))
    await world.work()
    world.provider.knows("ch_test1", movement())
    world.provider.knows("ch_other", movement())
    await ask(world)
    assert len(await fees(world)) == 1
    [left] = await world.fees.listing()
    assert left.last_error is not None
    assert "already booked at position" in left.last_error


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (movement(currency="eur"), "settled in EUR/2 while the gift is booked in USD/2"),
        (movement(type="refund"), "not of a payment"),
        (ProviderRefuses("status 404, resource_missing"), "resource_missing"),
        (ValueError("ada@example.org"), "failed: ValueError"),
    ],
)
async def test_what_cannot_be_booked_stays_visible_with_the_reason(world: World, answer: Any, said: str) -> None:
    if isinstance(answer, Exception):
        world.provider.answers["ch_test1"] = answer
    else:
        world.provider.knows("ch_test1", answer)
    await world.deliver(INTENT)
    await world.work()
    await ask(world)
    [owed] = await world.fees.listing()
    assert owed.last_error is not None
    assert said in owed.last_error
    assert await fees(world) == []


async def test_a_reference_that_does_not_open_holds_back_no_other_fee(world: World) -> None:
    other = intent(id="pi_other", latest_charge="ch_other")
    await world.deliver(INTENT, event("payment_intent.succeeded", other, "evt_other"))
    await world.work()
    await world.pool.execute(
        "update payments_pending_fees set reference = '\\x00'"
        " where position = (select min(position) from payments_pending_fees)"
    )
    world.provider.knows("ch_test1", movement())
    world.provider.knows("ch_other", movement(id="txn_other"))
    await ask(world)
    assert len(await fees(world)) == 1
    [left] = await world.fees.listing()
    assert left.last_error is not None
    assert "does not open" in left.last_error


async def test_details_and_rate_are_kept_in_private_slots_as_text(world: World) -> None:
    hostile = [
        {"amount": 330, "currency": "usd", "type": "stripe_fee", "description": "x", "application": None},
        7,
        {"amount": True},
    ]
    world.provider.knows("ch_test1", movement(exchange_rate=1.0845, fee_details=hostile))
    await world.deliver(INTENT)
    await world.work()
    await ask(world)
    [entry] = await world.entries("giving.fee.")
    sealed = (await world.reader.slots([entry.position]))[entry.position]
    assert entry.private_root is not None
    slots = world.vault.open_slots(ORIGIN, BOOKS_TYPES[2], sealed, entry.private_root)
    assert slots["exchange_rate"] == "1.0845"
    assert slots["fee_details"] == [{"amount": 330, "currency": "usd", "type": "stripe_fee"}, {}]
    assert slots["balance_transaction"] == "txn_test1"
