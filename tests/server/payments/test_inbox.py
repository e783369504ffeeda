"""The inbox as a table: filed once, leased to one, forgotten in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from server.payments import notices
from server.payments.inbox import Inbox
from server.vault import FileKeyStore, KeyDestroyed, Vault
from tests.server.payments.builders import charge, event, intent
from tests.server.payments.world import World

INTENT = event("payment_intent.succeeded", intent(), "evt_intent")


async def test_a_notice_is_filed_once_however_often_it_comes(world: World) -> None:
    answers = await asyncio.gather(*(world.inbox.file(INTENT, notices.read(INTENT)) for _ in range(50)))
    assert sorted(answers) == [False] * 49 + [True]
    assert await world.inbox.file(INTENT, notices.read(INTENT)) is False


async def test_concurrent_notices_go_together_in_few_statements(world: World) -> None:
    bodies = [event("payment_intent.succeeded", intent(), f"evt_{number}") for number in range(200)]
    assert all(await asyncio.gather(*(world.inbox.file(body, notices.read(body)) for body in bodies)))
    stamps = await world.pool.fetchval("select count(distinct received_at) from payments_inbox")
    assert stamps <= 3


async def test_two_processes_that_file_the_same_events_in_other_orders_do_not_block_each_other(world: World) -> None:
    other = Inbox(world.pool, world.vault, world.wakeups)
    bodies = [event("payment_intent.succeeded", intent(), f"evt_{number}") for number in range(300)]
    mine = [world.inbox.file(body, notices.read(body)) for body in bodies]
    theirs = [other.file(body, notices.read(body)) for body in reversed(bodies)]
    assert sum(await asyncio.gather(*mine, *theirs)) == 300


async def test_while_nothing_can_be_kept_the_inbox_says_so_and_notices_by_itself_when_that_is_over(
    world: World, postgres_admin: Callable[[str], Awaitable[str]]
) -> None:
    await world.deliver(INTENT)
    await postgres_admin(
        "create function full_disk() returns trigger language plpgsql as"
        " $$begin raise exception 'no space left on device' using errcode = 'disk_full'; end$$;"
        "create trigger full_disk before insert on payments_inbox for each row execute function full_disk()"
    )
    assert await world.inbox.trouble() is None  # nobody was sent away yet
    other = event("payment_intent.succeeded", intent(), "evt_other")
    with pytest.raises(asyncpg.DiskFullError):
        await world.inbox.file(other, notices.read(other))
    assert await world.inbox.trouble() == "notices cannot be kept"
    await postgres_admin("drop trigger full_disk on payments_inbox")
    assert await world.inbox.trouble() is None
    assert await world.pool.fetchval("select count(*) from payments_inbox") == 1  # the trial left nothing behind


async def test_the_body_is_sealed_before_it_reaches_the_database(world: World) -> None:
    body = event("charge.succeeded", charge())
    await world.deliver(body)
    stored = await world.pool.fetchval("select body from payments_inbox")
    assert b"ada@example.org" not in stored
    [row] = await world.inbox.claim("w", lease_s=1.0, limit=1)
    assert world.inbox.open(row) == body


async def test_a_leased_row_is_nobody_elses_until_the_lease_runs_out(world: World) -> None:
    await world.deliver(INTENT)
    assert len(await world.inbox.claim("one", lease_s=30.0, limit=10)) == 1
    assert await world.inbox.claim("two", lease_s=30.0, limit=10) == []
    await world.make_due()
    [again] = await world.inbox.claim("two", lease_s=30.0, limit=10)
    assert again.attempts == 2


async def test_claims_at_the_same_time_never_share_a_row(world: World) -> None:
    await world.deliver(*(event("payment_intent.succeeded", intent(id=f"pi_{n}"), f"evt_{n}") for n in range(60)))
    claims = await asyncio.gather(*(world.inbox.claim(f"w{n}", lease_s=30.0, limit=20) for n in range(8)))
    keys = [row.key for rows in claims for row in rows]
    assert len(keys) == len(set(keys)) == 60


async def test_of_one_payment_only_the_oldest_row_is_handed_out(world: World) -> None:
    await world.deliver(INTENT, event("charge.succeeded", charge(), "evt_charge"))
    first = await world.inbox.claim("w", lease_s=30.0, limit=10)
    assert [row.type for row in first] == ["payment_intent.succeeded"]
    assert await world.inbox.claim("w", lease_s=30.0, limit=10) == []
    await world.inbox.finish(first[0], "ignored", "for the test")
    assert [row.type for row in await world.inbox.claim("w", lease_s=30.0, limit=10)] == ["charge.succeeded"]


async def test_a_claim_reads_what_it_takes_however_long_the_queue_is(world: World) -> None:
    """After an outage the statistics are wrong by the whole backlog; the plan must not depend on them."""
    async with world.pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "insert into payments_inbox (key, type, object_key, body, body_key, body_sha256)"
            " select sha256(int8send(n)), 'x', sha256(int8send(n / 2)), '\\x00', 'k', sha256('')"
            " from generate_series(1, 5000) n"
        )
        assert len(await connection.fetch("select * from payments_claim_notices('w', 30, 10)")) == 10
        read = await connection.fetchval(
            "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'payments_inbox'"
        )
    assert read < 200


async def test_only_the_holder_of_the_lease_can_give_a_row_back_or_up(world: World) -> None:
    await world.deliver(INTENT)
    [row] = await world.inbox.claim("one", lease_s=30.0, limit=1)
    await world.inbox.bury(row, "two", "not mine")
    await world.inbox.delay(row, "two", 60.0, "not mine", counted=True)
    [left] = await world.pool.fetch("select state, claimed_by from payments_inbox")
    assert tuple(left) == ("new", "one")


async def test_counts_and_listings_tell_what_stands_where(world: World) -> None:
    for number in range(3):
        await world.deliver(event("payout.paid", {"id": f"po_{number}"}, f"evt_{number}"))
    await world.deliver(event("payment_intent.created", intent(), "evt_created"))
    await world.work()
    counts = {(count.state, count.type): count.count for count in await world.inbox.counts()}
    assert counts == {("unhandled", "payout.paid"): 3, ("ignored", "payment_intent.created"): 1}
    first = await world.inbox.listing("unhandled", limit=2)
    rest = await world.inbox.listing("unhandled", before=first[-1].arrival, limit=2)
    assert [row.outcome for row in (*first, *rest)] == ["no handler for this type yet"] * 3
    assert len({row.arrival for row in (*first, *rest)}) == 3
    assert await world.inbox.listing("unhandled", event_type="charge.refunded") == []


async def test_retrying_a_type_works_its_rows_again(world: World) -> None:
    await world.deliver(event("payout.paid", {"id": "po_1"}, "evt_1"), event("charge.refunded", charge(), "evt_2"))
    await world.work()
    assert await world.inbox.retry("payout.paid") == 1
    assert (await world.states())["payout.paid"] == ("new", None)
    await world.work()
    assert (await world.states())["payout.paid"][0] == "unhandled"
    assert await world.inbox.retry() == 2
    assert await world.inbox.retry("nothing.such") == 0


async def test_bodies_of_finished_rows_are_forgotten_after_thirty_days_and_nothing_else(world: World) -> None:
    await world.deliver(
        event("payment_intent.created", intent(), "evt_old"),
        event("payment_intent.created", intent(id="pi_2"), "evt_fresh"),
        event("payout.paid", {"id": "po_1"}, "evt_money"),
    )
    await world.work()
    old_or_money = "update payments_inbox set finished_at = now() - interval '31 days' where arrival in (1, 3)"
    await world.pool.execute(old_or_money)
    assert await world.inbox.sweep() == 1
    assert await world.inbox.sweep() == 0
    rows = await world.pool.fetch(
        "select body is null as gone, outcome, body_sha256 from payments_inbox order by arrival"
    )
    assert [row["gone"] for row in rows] == [True, False, False]
    assert all(row["outcome"] and row["body_sha256"] for row in rows)
    assert await world.inbox.retry() == 1, "a row without a body is not worked again"


async def test_after_its_day_key_is_destroyed_a_body_does_not_open(world: World, tmp_path: object) -> None:
    today = datetime(2026, 1, 1, tzinfo=UTC)
    clock = [today]
    vault = Vault(FileKeyStore(tmp_path / "other"), now=lambda: clock[0])  # type: ignore[operator]  # tmp_path is a Path
    inbox = Inbox(world.pool, vault, world.wakeups)
    await inbox.file(INTENT, notices.read(INTENT))
    [row] = await inbox.claim("w", lease_s=30.0, limit=1)
    clock[0] = today + timedelta(days=36)
    assert vault.destroy_old_day_keys()
    with pytest.raises(KeyDestroyed):
        inbox.open(row)


async def test_a_notice_for_the_other_mode_is_filed_as_ignored(world: World) -> None:
    assert await world.inbox.file(INTENT, notices.read(INTENT), "livemode does not fit this deployment")
    assert await world.states() == {"payment_intent.succeeded": ("ignored", "livemode does not fit this deployment")}
    await world.work()
    assert await world.entries() == []
