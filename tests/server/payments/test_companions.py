"""The statements that run inside an append's own transaction, on their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from server.payments.companions import COMPANIONS, FEE_KNOWN, INBOX_DONE
from tests.server.payments.builders import event, intent
from tests.server.payments.world import World

STREAMS = [bytes([number]) * 32 for number in range(3)]


def payload(key: bytes, stream: bytes) -> str:
    fee = {"stream": stream.hex(), "reference": "00ff", "reference_key": "service"}
    return json.dumps({"key": key.hex(), "outcome": "booked", "fee": fee})


async def run(world: World, name: str, *rows: tuple[str, int, int, bool]) -> None:
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    await world.pool.execute(COMPANIONS[name], *columns)


async def keys(world: World, count: int) -> list[bytes]:
    for number in range(count):
        await world.deliver(event("payment_intent.succeeded", intent(id=f"pi_{number}"), f"evt_{number}"))
    return [row["key"] for row in await world.pool.fetch("select key from payments_inbox order by arrival")]


async def test_one_statement_finishes_the_rows_of_a_whole_batch_and_notes_their_fees(world: World) -> None:
    rows = [
        (payload(key, stream), 40 + n, 1, True)
        for n, (key, stream) in enumerate(zip(await keys(world, 3), STREAMS, strict=True))
    ]
    await run(world, INBOX_DONE, *rows)
    done = await world.pool.fetch("select state, outcome, position from payments_inbox order by arrival")
    assert [tuple(row) for row in done] == [("done", "booked", 40), ("done", "booked", 41), ("done", "booked", 42)]
    owed = await world.pool.fetch("select stream, position from payments_pending_fees order by position")
    assert [tuple(row) for row in owed] == [(stream, 40 + n) for n, stream in enumerate(STREAMS)]


async def test_a_replayed_command_finishes_its_row_and_owes_no_second_fee(world: World) -> None:
    [key] = await keys(world, 1)
    await run(world, INBOX_DONE, (payload(key, STREAMS[0]), 40, 1, False))
    assert await world.pool.fetchval("select state from payments_inbox") == "done"
    assert await world.pool.fetchval("select count(*) from payments_pending_fees") == 0


async def test_a_row_that_is_finished_is_not_finished_again(world: World) -> None:
    [key] = await keys(world, 1)
    await world.pool.execute("update payments_inbox set state = 'ignored', outcome = 'before', finished_at = now()")
    await run(world, INBOX_DONE, (payload(key, STREAMS[0]), 40, 1, True))
    assert await world.pool.fetchval("select outcome from payments_inbox") == "before"


async def test_a_booked_fee_is_no_longer_owed(world: World) -> None:
    rows = [(payload(key, stream), 40, 1, True) for key, stream in zip(await keys(world, 2), STREAMS, strict=False)]
    await run(world, INBOX_DONE, *rows)
    await run(world, FEE_KNOWN, (json.dumps({"stream": STREAMS[0].hex()}), 50, 1, True))
    assert [row["stream"] for row in await world.pool.fetch("select stream from payments_pending_fees")] == [STREAMS[1]]


@pytest.mark.parametrize("name", sorted(COMPANIONS))
async def test_a_batch_without_rows_changes_nothing(world: World, name: str) -> None:
    await run(world, name)
    assert await world.pool.fetchval("select count(*) from payments_pending_fees") == 0
