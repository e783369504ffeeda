"""The inbox worker on a real database: one payment, one gift, whatever happens on the way."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from ledger import genesis
from ledger.errors import Busy, VersionConflict
from ledger.types import Command
from server import chart
from server.domains.giving.events import BOOKS_TYPES
from server.payments.worker import ATTEMPTS_MAX
from tests.server.payments.builders import IDS, charge, event, intent
from tests.server.payments.waiting import until
from tests.server.payments.world import ORIGIN, World

INTENT = event("payment_intent.succeeded", intent(), "evt_intent")
CHARGE = event("charge.succeeded", charge(), "evt_charge")


async def gifts(world: World) -> list[tuple[str, int, str]]:
    entries = await world.entries("giving.gift.")
    return [(entry.type, entry.postings[0].amount, entry.postings[0].fund) for entry in entries]


@pytest.mark.parametrize("order", [(INTENT, CHARGE), (CHARGE, INTENT)])
async def test_both_orders_of_a_payments_events_give_one_gift(world: World, order: tuple[bytes, bytes]) -> None:
    await world.deliver(*order)
    await world.work()
    assert await gifts(world) == [("giving.gift.received.v1", 10330, "rent")]
    first, second = (
        ("payment_intent.succeeded", "charge.succeeded")
        if order[0] is INTENT
        else ("charge.succeeded", "payment_intent.succeeded")
    )
    assert await world.states() == {first: ("done", "booked"), second: ("done", "duplicate")}


async def test_fifty_deliveries_at_once_to_four_workers_give_one_gift(world: World) -> None:
    await asyncio.gather(*(world.deliver(INTENT if number % 2 else CHARGE) for number in range(50)))
    await asyncio.gather(*(world.worker(f"worker-{number}").run_once() for number in range(4)))
    assert await world.pool.fetchval("select count(*) from payments_inbox") == 2
    assert len(await gifts(world)) == 1


async def test_fifty_payment_events_of_different_ids_give_one_gift(world: World) -> None:
    bodies = [event("payment_intent.succeeded", intent(), f"evt_{number}") for number in range(50)]
    await asyncio.gather(*(world.deliver(body) for body in bodies))
    workers = [world.worker(f"worker-{number}") for number in range(3)]
    while await world.pool.fetchval("select count(*) from payments_inbox where state = 'new'"):
        await asyncio.gather(*(worker.run_once() for worker in workers))
    assert len(await gifts(world)) == 1
    assert await world.pool.fetchval("select count(*) from payments_inbox where state = 'done'") == 50


async def test_many_payments_in_flight_are_booked_in_few_batches(world: World) -> None:
    for number in range(100):
        thing = intent(id=f"pi_{number}", amount_received=1000 + number)
        await world.deliver(event("payment_intent.succeeded", thing, f"evt_{number}"))
    await world.work()
    assert sorted(amount for _, amount, _ in await gifts(world)) == [1000 + number for number in range(100)]
    assert await world.pool.fetchval("select count(*) from ledger_batches") < 30


async def test_the_row_is_done_in_the_transaction_that_books_it_and_names_the_entry(world: World) -> None:
    await world.deliver(INTENT)
    await world.work()
    [row] = await world.pool.fetch("select * from payments_inbox")
    [entry] = await world.entries("giving.gift.")
    assert (row["state"], row["position"], row["claimed_by"]) == ("done", entry.position, None)
    assert row["finished_at"] is not None


async def test_a_worker_that_dies_before_the_append_leaves_the_row_to_the_next(world: World) -> None:
    await world.deliver(INTENT)
    [_row] = await world.inbox.claim("dead-worker", lease_s=30.0, limit=10)
    await world.work()
    assert await gifts(world) == []
    await world.make_due()
    await world.work()
    assert len(await gifts(world)) == 1


async def test_a_worker_that_dies_after_the_append_has_left_nothing_to_do(world: World) -> None:
    class Died(BaseException):
        pass

    async def die(_appended: object) -> None:
        raise Died

    world.writer.after = die
    await world.deliver(INTENT, CHARGE)
    [row] = await world.inbox.claim("dying-worker", lease_s=30.0, limit=10)
    with pytest.raises(Died):
        await world.worker("dying-worker").work(row)
    assert (await world.states())["payment_intent.succeeded"] == ("done", "booked")
    world.writer.after = None
    await world.work()
    assert len(await gifts(world)) == 1
    assert await world.pool.fetchval("select count(*) from payments_pending_fees") == 1


async def test_a_row_worked_twice_at_once_is_booked_once(world: World) -> None:
    """A lease that ran out while its worker was only slow."""
    await world.deliver(INTENT)
    [row] = await world.inbox.claim("slow-worker", lease_s=30.0, limit=10)
    await asyncio.gather(*(world.worker(f"worker-{number}").work(row) for number in range(5)))
    assert len(await gifts(world)) == 1
    assert await world.states() == {"payment_intent.succeeded": ("done", "booked")}


async def test_a_conflict_is_decided_again_and_after_five_the_row_waits(world: World) -> None:
    calls = 0

    async def overtake(_command: object) -> None:
        nonlocal calls
        calls += 1
        raise VersionConflict(0, 1)

    world.writer.before = overtake
    await world.deliver(INTENT)
    await world.work()
    assert calls == 5
    [row] = await world.pool.fetch("select state, attempts, due_at > now() as later from payments_inbox")
    assert tuple(row) == ("new", 1, True)
    world.writer.before = None
    await world.make_due()
    await world.work()
    assert len(await gifts(world)) == 1


async def test_while_the_ledger_cannot_append_no_attempt_is_counted(world: World) -> None:
    async def refuse(_command: object) -> None:
        raise Busy(4096)

    world.writer.before = refuse
    await world.deliver(INTENT)
    for _ in range(ATTEMPTS_MAX + 2):
        await world.work()
        await world.make_due()
    assert await world.pool.fetchval("select attempts from payments_inbox") == 0
    world.writer.before = None
    await world.work()
    assert len(await gifts(world)) == 1


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        asyncpg.DiskFullError("no space"),
        asyncpg.LockNotAvailableError("timeout"),
        asyncpg.ReadOnlySQLTransactionError("standby"),
    ],
)
async def test_a_database_that_was_away_is_nobodys_attempt(error: Exception, world: World) -> None:
    async def cut(_command: object) -> None:
        raise error

    world.writer.before = cut
    await world.deliver(INTENT)
    await world.work()
    [row] = await world.pool.fetch("select state, attempts, outcome from payments_inbox")
    assert tuple(row) == ("new", 0, f"the database was away: {type(error).__name__}")


async def test_what_the_driver_cannot_send_is_the_rows_own_fault_and_its_attempts_count(world: World) -> None:
    async def refuse(_command: object) -> None:
        raise asyncpg.DataError("value out of int64 range")

    world.writer.before = refuse
    await world.deliver(INTENT)
    await world.work()
    [row] = await world.pool.fetch("select state, attempts, outcome from payments_inbox")
    assert tuple(row) == ("new", 1, "failed: DataError")


async def test_a_poison_row_is_dead_after_eight_attempts_and_holds_back_its_own_payment_alone(world: World) -> None:
    await world.deliver(INTENT, CHARGE)
    other = event("payment_intent.succeeded", intent(id="pi_other", amount_received=500), "evt_other")
    await world.deliver(other)
    spoiled = await world.pool.fetchval("select body from payments_inbox order by arrival limit 1")
    await world.pool.execute("update payments_inbox set body = $1 where body = $2", spoiled[:-1] + b"\x00", spoiled)
    for _ in range(ATTEMPTS_MAX + 2):
        await world.work()
        await world.make_due()
    assert [amount for _, amount, _ in await gifts(world)] == [500]
    rows = await world.pool.fetch("select state, attempts, outcome from payments_inbox order by arrival")
    assert [row["state"] for row in rows] == ["dead", "new", "done"]
    assert rows[0]["attempts"] == ATTEMPTS_MAX
    assert "does not open" in rows[0]["outcome"]
    # Somebody looks, and restores what was spoiled: the payment's queue moves again.
    await world.pool.execute("update payments_inbox set body = $1 where state = 'dead'", spoiled)
    assert await world.inbox.retry() == 1
    await world.work()
    assert sorted(amount for _, amount, _ in await gifts(world)) == [500, 10330]


async def test_an_unexpected_failure_leaves_only_its_kind_behind(world: World) -> None:
    async def explode(_command: object) -> None:
        raise ValueError("ada@example.org")

    world.writer.before = explode
    await world.deliver(INTENT)
    await world.work()
    assert await world.states() == {"payment_intent.succeeded": ("new", "failed: ValueError")}


@pytest.mark.parametrize(
    ("body", "state", "outcome"),
    [
        (event("payment_intent.created", intent()), "ignored", "this type never moves money"),
        (event("charge.refunded", charge()), "unhandled", "no handler for this type yet"),
        (
            event("charge.dispute.created", {"id": "dp_1", "charge": "ch_1"}),
            "unhandled",
            "no handler for this type yet",
        ),
        (event("payment_intent.succeeded", intent(currency="eur")), "unhandled", "currency EUR is not held"),
        (event("payment_intent.succeeded", intent(currency="bhd")), "unhandled", "currency BHD is not held"),
        (
            event("payment_intent.succeeded", intent(amount_received=-5)),
            "unhandled",
            "malformed: amount_received: input should be greater than or equal to 0",
        ),
        (event("payment_intent.succeeded", intent(amount_received=0)), "ignored", "nothing was received"),
        (event("charge.updated", charge()), "done", "fee hint"),
        (b"{not json", "unhandled", "the body is not JSON"),
    ],
)
async def test_what_is_no_gift_ends_in_its_state_with_a_reason(
    world: World, body: bytes, state: str, outcome: str
) -> None:
    await world.deliver(body)
    await world.work()
    assert list((await world.states()).values()) == [(state, outcome)]
    assert await gifts(world) == []


@pytest.mark.parametrize(
    ("currency", "amount", "asset"),
    [("jpy", 500, "JPY"), ("kwd", 5120, "KWD/3"), ("usd", 10**15, "USD/2"), ("usd", 1, "USD/2")],
)
async def test_currencies_without_and_with_three_decimals_are_booked_as_stated(
    world: World, currency: str, amount: int, asset: str
) -> None:
    await world.deliver(event("payment_intent.succeeded", intent(currency=currency, amount_received=amount)))
    await world.work()
    [entry] = await world.entries("giving.gift.")
    assert [(posting.asset, posting.amount) for posting in entry.postings] == [(asset, amount), (asset, -amount)]


@pytest.mark.parametrize(
    "fund",
    [
        "coats",
        "x" * 10_240,
        "\u0000",
        "rent\n",
        "🧥" * 400,
        "{{7*7}}",
        "../../etc",
        "'; delete from payments_inbox; --",
        7,
    ],
)
async def test_a_hostile_fund_name_is_a_gift_in_suspense(world: World, fund: object) -> None:
    await world.deliver(event("payment_intent.succeeded", intent(metadata={"fund": fund, "nonce": fund})))
    await world.work()
    expected = (
        ("giving.gift.received.v1", 10330, "rent")
        if fund == "rent\n"
        else ("giving.gift.suspended.v1", 10330, "general")
    )
    assert await gifts(world) == [expected]


async def test_a_fund_that_is_declared_later_is_known_from_then_on(world: World) -> None:
    await world.deliver(event("payment_intent.succeeded", intent(id="pi_1", metadata={"fund": "coats"}), "evt_1"))
    await world.work()
    await world.writer.writer.append(Command((genesis.fund_declared(genesis.Fund("coats", "restricted", "Coats")),)))
    await world.deliver(event("payment_intent.succeeded", intent(id="pi_2", metadata={"fund": "coats"}), "evt_2"))
    await world.work()
    assert [fund for _, _, fund in await gifts(world)] == ["general", "coats"]


async def test_a_currency_that_is_held_later_is_booked_when_its_rows_are_worked_again(world: World) -> None:
    await world.deliver(event("payment_intent.succeeded", intent(currency="eur")))
    await world.work()
    account = next(account for account in chart.BOOKS_ACCOUNTS if account.path == "assets:stripe:pending")
    income = next(account for account in chart.BOOKS_ACCOUNTS if account.path == "income:gifts:restricted")
    declared = tuple(genesis.account_declared(declared, ["EUR/2", "USD/2"]) for declared in (account, income))
    await world.writer.writer.append(Command(declared))
    assert await world.inbox.retry("payment_intent.succeeded") == 1
    await world.work()
    [entry] = await world.entries("giving.gift.")
    assert {posting.asset for posting in entry.postings} == {"EUR/2"}


async def test_the_private_half_of_a_gift_opens_and_nothing_of_it_is_in_the_bytes(world: World) -> None:
    await world.deliver(CHARGE)
    await world.work()
    [entry] = await world.entries("giving.gift.")
    sealed = (await world.reader.slots([entry.position]))[entry.position]
    assert entry.private_root is not None
    slots = world.vault.open_slots(ORIGIN, BOOKS_TYPES[0], sealed, entry.private_root)
    assert slots["nonce"] == "n0nce"
    assert slots["provider_objects"]["charge"] == IDS.charge
    assert slots["owners"][0][2] == "10330"
    stored = (await world.reader.entries(entry.position, 1))[0].bytes
    dump = stored + bytes(str(await world.pool.fetch("select * from payments_inbox, payments_pending_fees")), "utf-8")
    for secret in (b"Ada", b"example.org", b"pi_test1", b"ch_test1", b"txn_test1", b"n0nce", b"4242"):
        assert secret not in dump


async def test_the_worker_is_woken_by_a_filed_notice_and_stops_when_cancelled(world: World) -> None:
    task = asyncio.create_task(world.worker(poll_s=30.0).run(world.wakeups))
    await asyncio.sleep(0)
    await world.deliver(INTENT)
    await until(lambda: gifts(world))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
