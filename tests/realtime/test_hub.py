"""The hub: everybody gets everything once, a storm costs few reads, and a slow reader costs nobody anything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from realtime.hub import BEHIND_BYTES_MAX, Hub, Member
from realtime.subscription import Subscription
from tests.realtime.sources import MemorySource


class Pipe:
    """A wire whose client may stop reading. Keeps whole messages; `taken` bytes have left."""

    def __init__(self) -> None:
        self.data = b""
        self.unsent = 0
        self.is_stuck = False
        self.aborted = False

    def backlog(self) -> int:
        return self.unsent

    def write(self, frames: Sequence[bytes]) -> None:
        for frame in frames:
            self.data += frame
            if self.is_stuck:
                self.unsent += len(frame)

    def abort(self) -> None:
        self.aborted = True

    def drained(self) -> None:
        self.is_stuck, self.unsent = False, 0

    def messages(self) -> list[dict[str, Any]]:
        """Every message so far, taken out of its frame."""
        found, rest = [], self.data
        while rest:
            length, start = rest[1], 2
            if length == 126:
                length, start = int.from_bytes(rest[2:4], "big"), 4
            elif length == 127:
                length, start = int.from_bytes(rest[2:10], "big"), 10
            found.append(json.loads(rest[start : start + length]))
            rest = rest[start + length :]
        return found

    def positions(self) -> list[int]:
        """Positions of the publications, after checking that each follows the one before."""
        events = [m for m in self.messages() if m["t"] == "ev"]
        for before, after in pairwise(events):
            assert after["after"] == before["p"]
        return [event["p"] for event in events]


async def settled() -> None:
    """Let everything that is ready run."""
    for _ in range(200):
        await asyncio.sleep(0)


async def hub_of(source: MemorySource) -> Hub:
    hub = Hub()
    await hub.register("ledger", source, "e1")
    return hub


def follow(hub: Hub, last: int, credit: int = 64) -> tuple[Member, Pipe]:
    pipe = Pipe()
    member = hub.join(pipe)
    hub.follow(member, Subscription("ledger", last, credit))
    return member, pipe


async def test_a_subscriber_catches_up_and_goes_on_live_without_a_seam() -> None:
    source = MemorySource(1_200)
    hub = await hub_of(source)
    _, pipe = follow(hub, -1)
    await settled()
    hub.publish("ledger", source.grow(5))
    await settled()
    assert pipe.positions() == list(range(1_205))
    assert [m["more"] for m in pipe.messages() if m["t"] == "cu"] == [True, True, False]


async def test_what_is_published_while_a_page_is_read_comes_once() -> None:
    source = MemorySource(700)
    hub = await hub_of(source)
    _, pipe = follow(hub, -1)
    for _ in range(30):
        hub.publish("ledger", source.grow(1))
        await asyncio.sleep(0)
    await settled()
    assert pipe.positions() == list(range(730))


async def test_a_publication_that_is_handed_in_twice_comes_once() -> None:
    source = MemorySource(3)
    hub = await hub_of(source)
    _, pipe = follow(hub, 2)
    new = source.grow(2)
    hub.publish("ledger", new)
    hub.publish("ledger", new)
    await settled()
    assert pipe.positions() == [3, 4]


async def test_without_credit_no_page_is_sent() -> None:
    source = MemorySource(1_600)
    hub = await hub_of(source)
    member, pipe = follow(hub, -1, credit=1)
    await settled()
    assert pipe.positions() == list(range(500))
    member.subscriptions["ledger"].add_credit(1)
    hub.feed(member, member.subscriptions["ledger"])
    await settled()
    assert pipe.positions() == list(range(1_000))


async def test_a_storm_from_one_position_costs_about_one_read_per_page() -> None:
    source = MemorySource(1_500)
    hub = await hub_of(source)
    pipes = [follow(hub, -1)[1] for _ in range(200)]
    await settled()
    assert all(pipe.positions() == list(range(1_500)) for pipe in pipes)
    assert source.reads <= 4


async def test_a_source_that_is_away_is_asked_again() -> None:
    source = MemorySource(10)
    hub = await hub_of(source)
    source.fail_next = 1
    _, pipe = follow(hub, -1)
    async with asyncio.timeout(10):
        while len(pipe.positions()) < 10:
            await asyncio.sleep(0.05)
    assert hub.counters["reads_failed"] == 1


async def test_a_slow_reader_falls_behind_and_comes_back_without_a_hole() -> None:
    source = MemorySource(0)
    hub = await hub_of(source)
    _, slow = follow(hub, -1)
    _, quick = follow(hub, -1)
    slow.is_stuck = True
    sweeping = asyncio.create_task(hub.run(heartbeat_s=1000))
    for _ in range(60):
        hub.publish("ledger", source.grow(100))
        await settled()
    async with asyncio.timeout(10):
        while not hub.counters["fell_behind"]:
            await asyncio.sleep(0.05)
    assert quick.positions() == list(range(6_000))
    before = len(slow.data)
    for _ in range(20):
        hub.publish("ledger", source.grow(100))
        await settled()
    assert len(slow.data) - before < BEHIND_BYTES_MAX
    slow.drained()
    async with asyncio.timeout(10):
        while len(slow.positions()) < 8_000:
            await asyncio.sleep(0.05)
    assert slow.positions() == list(range(8_000))
    sweeping.cancel()


async def test_a_checkpoint_reaches_everybody_and_whoever_comes_later() -> None:
    hub = await hub_of(MemorySource(1))
    _, early = follow(hub, 0)
    hub.set_note("ledger", "note 1")
    _, late = follow(hub, 0)
    await settled()
    assert [m["note"] for m in early.messages() if m["t"] == "checkpoint"] == ["note 1"]
    assert [m["note"] for m in late.messages() if m["t"] == "checkpoint"] == ["note 1"]


async def test_what_witnesses_vouched_for_is_told_beside_the_checkpoint_and_does_not_replace_it() -> None:
    hub = await hub_of(MemorySource(1))
    hub.set_note("ledger", "note 2")
    hub.set_note("ledger", "note 1 and lines", "checkpoint.witnessed")
    _, late = follow(hub, 0)
    hub.set_note("ledger", "note 3")
    await settled()
    notes = [(m["t"], m["note"]) for m in late.messages() if "note" in m]
    assert notes == [("checkpoint", "note 2"), ("checkpoint.witnessed", "note 1 and lines"), ("checkpoint", "note 3")]


async def test_a_heartbeat_tells_how_far_a_live_client_is() -> None:
    hub = await hub_of(MemorySource(4))
    _, pipe = follow(hub, 3)
    running = asyncio.create_task(hub.run(heartbeat_s=0.01))
    async with asyncio.timeout(10):
        while not any(m["t"] == "hw" for m in pipe.messages()):
            await asyncio.sleep(0.01)
    running.cancel()
    assert next(m for m in pipe.messages() if m["t"] == "hw") == {"t": "hw", "s": {"ledger": 3}}


async def test_whoever_left_gets_nothing_more() -> None:
    source = MemorySource(1)
    hub = await hub_of(source)
    member, pipe = follow(hub, 0)
    hub.leave(member)
    hub.publish("ledger", source.grow(1))
    await settled()
    assert pipe.positions() == []
    assert hub.members == 0
