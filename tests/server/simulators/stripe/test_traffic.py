"""Made-up gifts over HTTP to the real webhook, their fees asked by the SDK: the books equal them to the cent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from server.db import Database
from server.payments.fees import FeeWorker
from server.payments.routes import PATH, routes
from server.payments.stripe_api import StripeAPI
from server.simulators.stripe.peer import StripePeer
from server.simulators.stripe.tally import Tally
from server.simulators.stripe.traffic import Traffic, TrafficLimits
from tests.server.http.serving import serving
from tests.server.payments.builders import SECRET, WebhookSettings
from tests.server.payments.waiting import until
from tests.server.payments.world import World, make_world

KEY = "sk_test_simulator"
GIFTS = 300


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    async with make_world(database, tmp_path, assets=("USD/2",)) as world:
        yield world


async def sums(world: World) -> tuple[Counter[tuple[str, str]], int, Counter[tuple[str, str]]]:
    """What the read model and the entries say: received per fund, in suspense, fees per fund that bears them."""
    received: Counter[tuple[str, str]] = Counter()
    suspended = 0
    for row in await world.project():
        if row["state"] == "received":
            received[row["fund"], row["asset"][:3].lower()] += int(row["amount_minor"])
        else:
            suspended += int(row["amount_minor"])
    fees: Counter[tuple[str, str]] = Counter()
    for entry in await world.entries("giving.fee."):
        posting = next(posting for posting in entry.postings if posting.amount > 0)
        fees[posting.fund, posting.asset[:3].lower()] += posting.amount
    return received, suspended, fees


async def settle(world: World, workers: list[asyncio.Task[None]]) -> None:
    """Wait until nothing is to be worked and no fee is owed, then let the workers go."""

    async def is_quiet() -> bool:
        await world.pool.execute("update payments_pending_fees set due_at = now() where claimed_by is null")
        world.fees.wake()
        left = await world.pool.fetchval("select count(*) from payments_inbox where state = 'new'")
        return not left and not (await world.fees.count()).count

    await until(is_quiet, timeout_s=60.0)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


async def test_the_books_equal_what_was_sent_to_the_cent(world: World) -> None:
    async with serving(routes(world.inbox, WebhookSettings())) as edge:
        traffic = Traffic(400.0, 11, f"{edge.base}{PATH}", SECRET, delay_factor=0.05)
        peer = StripePeer(traffic.state, KEY)
        api = StripeAPI(KEY, await peer.start())
        fee_worker = FeeWorker("fees", world.fees, world.books, api, world.rules.rules.time_zone)
        workers = [
            asyncio.create_task(world.worker("worker-1").run(world.wakeups)),
            asyncio.create_task(world.worker("worker-2").run(world.wakeups)),
            asyncio.create_task(fee_worker.run(world.wakeups)),
        ]
        await traffic.run(GIFTS)
        await settle(world, workers)
        await api.close()
        await peer.stop()
    tally = traffic.tally
    received, suspended, fees = await sums(world)
    assert (tally.gifts, tally.lost) == (GIFTS, 0)
    assert received == tally.received_minor
    assert suspended == sum(tally.suspended_minor.values())
    assert fees == tally.fees_minor
    counts = Counter((count.state, count.type) for count in await world.inbox.counts() for _ in range(count.count))
    not_held = [
        row for row in await world.inbox.listing("unhandled") if row.outcome and row.outcome.endswith("is not held")
    ]
    assert len({row.outcome for row in not_held}) == len(tally.not_held)
    assert sum(counts.values()) == tally.notices - tally.duplicates
    assert not [state for state, _ in counts if state in {"dead", "new"}]


async def test_what_the_service_does_not_acknowledge_is_sent_again_and_counted_once() -> None:
    refusals = Counter[str]()
    answered: list[int] = []

    async def moody(request: web.Request) -> web.Response:
        body = await request.json()
        refusals[body["id"]] += 1
        status = 500 if refusals[body["id"]] < 3 else 200
        answered.append(status)
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/hook", moody)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    traffic = Traffic(500.0, 5, f"http://127.0.0.1:{runner.addresses[0][1]}/hook", SECRET, delay_factor=0.01)
    await traffic.run(30)
    await runner.cleanup()
    assert traffic.tally.gifts == 30
    assert traffic.tally.lost == 0
    assert traffic.tally.retries == answered.count(500) > 0


async def test_a_service_that_never_answers_costs_bounded_attempts_and_counts_no_gift() -> None:
    limits = TrafficLimits(attempts_max=3, timeout_s=0.5)
    traffic = Traffic(500.0, 5, "http://127.0.0.1:9/nobody", SECRET, limits=limits, delay_factor=0.01)
    await traffic.run(10)
    assert traffic.tally.gifts == 0
    assert traffic.tally.lost == traffic.tally.notices > 0
    assert traffic.tally.retries == 2 * traffic.tally.notices


async def test_the_loop_is_open_but_bounded() -> None:
    gate = asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        await gate.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", slow)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    limits = TrafficLimits(deliveries_max=20)
    traffic = Traffic(
        5000.0, 5, f"http://127.0.0.1:{runner.addresses[0][1]}/hook", SECRET, limits=limits, delay_factor=0.0
    )
    task = asyncio.create_task(traffic.run(40))
    await until(lambda: traffic.tally.held_back)
    assert traffic.tally.notices <= 30
    gate.set()
    await task
    await runner.cleanup()
    assert traffic.tally.gifts == 40


async def test_stopped_in_the_middle_it_leaves_nothing_running_and_knows_what_was_acknowledged(world: World) -> None:
    async with serving(routes(world.inbox, WebhookSettings())) as edge:
        traffic = Traffic(200.0, 23, f"{edge.base}{PATH}", SECRET, delay_factor=0.2)
        task = asyncio.create_task(traffic.run())
        await until(lambda: traffic.tally.gifts >= 50)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await world.work()
    received, suspended, _ = await sums(world)
    # A notice that was stored while its sender was stopped may be in the books uncounted; never the reverse.
    assert all(received[key] >= amount for key, amount in traffic.tally.received_minor.items())
    assert suspended >= sum(traffic.tally.suspended_minor.values())


async def test_no_rate_is_no_traffic() -> None:
    traffic = Traffic(0.0, 1, "http://127.0.0.1:9/nobody", SECRET, tally=Tally())
    await traffic.run()
    assert traffic.tally.notices == 0
