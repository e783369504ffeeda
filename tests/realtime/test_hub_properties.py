"""Clients of a hub over a bad network: whatever is cut, late, doubled or slow, each ends up with the exact sequence."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

import orjson
import pytest

from realtime.hub import BEHIND_BYTES_MAX, Hub, Member
from realtime.subscription import Subscription
from tests.realtime.sources import MemorySource, publication
from tests.simulation.loop import Loop

CHANNEL = "ledger"
ENTRIES = 300
# So that a page, and what a socket may be behind by, hold 64 entries.
ENTRY_BYTES = 4_096
CLIENTS = 4
SEEDS_PER_TEST = 10
DONE_WITHIN_S = 300.0


class BadWire:
    """The server's side of a socket. What is written arrives in order and late, or never once it is cut."""

    def __init__(self, dice: Random) -> None:
        self.arrived: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.is_cut = False
        self._dice = dice
        self._last_s = 0.0

    def backlog(self) -> int:
        """Now and then the kernel is full."""
        return 2 * BEHIND_BYTES_MAX if self._dice.random() < 0.1 else 0

    def write(self, frames: Sequence[bytes]) -> None:
        loop = asyncio.get_running_loop()
        for frame in frames:
            self._last_s = max(self._last_s, loop.time() + self._dice.random() * 0.02)
            loop.call_at(self._last_s, self._arrive, frame)

    def abort(self) -> None:
        self.is_cut = True
        self.arrived.put_nowait(None)

    def _arrive(self, frame: bytes) -> None:
        if not self.is_cut:
            self.arrived.put_nowait(frame)


def messages(data: bytes) -> list[dict[str, Any]]:
    """The messages of frames that were joined (RFC 6455 5.2)."""
    found = []
    while data:
        length, start = data[1], 2
        if length > 125:
            start = 4 if length == 126 else 10
            length = int.from_bytes(data[2:start], "big")
        found.append(orjson.loads(data[start : start + length]))
        data = data[start + length :]
    return found


async def follow(hub: Hub, dice: Random, got: list[int]) -> None:
    """One client: connects, takes what follows, goes back to its last position when the socket dies."""
    while len(got) < ENTRIES:
        wire = BadWire(dice)
        member = hub.join(wire)
        subscription = Subscription(CHANNEL, len(got) - 1, credit=2)
        hub.follow(member, subscription)
        lives_s = dice.choice((0.01, 0.1, 1.0, 5.0))
        asyncio.get_running_loop().call_later(lives_s, wire.abort)
        await read(hub, wire, member, subscription, got)
        hub.leave(member)
        await asyncio.sleep(dice.random() * 0.1)


async def read(hub: Hub, wire: BadWire, member: Member, subscription: Subscription, got: list[int]) -> None:
    while len(got) < ENTRIES and (data := await wire.arrived.get()) is not None:
        for message in messages(data):
            if message["t"] == "cu":
                subscription.add_credit(1)
                hub.feed(member, subscription)
            elif message["t"] == "ev":
                assert message["after"] == message["p"] - 1 == len(got) - 1, "out of sequence"
                assert orjson.loads(message["d"])["position"] == message["p"]
                got.append(message["p"])


async def tail(hub: Hub, source: MemorySource, dice: Random) -> None:
    """One of two tailers, which race: each reads after what it knows, sleeps, and publishes what may be old by then."""
    while hub.top(CHANNEL) < ENTRIES - 1:
        known = max(-1, hub.top(CHANNEL) - dice.choice((0, 0, 3)))
        page = source.items[known + 1 : known + 1 + dice.randint(1, 20)]
        await asyncio.sleep(dice.random() * 0.02)
        if page and page[0].after <= hub.top(CHANNEL):
            hub.publish(CHANNEL, page)
        if dice.random() < 0.1:
            source.fail_next += 1


async def grow(source: MemorySource, dice: Random) -> None:
    while len(source.items) < ENTRIES:
        size = len(source.items)
        source.items += [publication(p, ENTRY_BYTES) for p in range(size, min(size + dice.randint(1, 40), ENTRIES))]
        await asyncio.sleep(dice.random() * 0.1)


async def scene(dice: Random, received: list[list[int]]) -> None:
    hub, source = Hub(), MemorySource(20, ENTRY_BYTES)
    await hub.register(CHANNEL, source, "e")
    loop = asyncio.get_running_loop()
    work = [hub.run(0.5), grow(source, dice), tail(hub, source, dice), tail(hub, source, dice)]
    tasks = [loop.create_task(coroutine) for coroutine in work]
    clients = [loop.create_task(follow(hub, dice, got)) for got in received]
    _, late = await asyncio.wait(clients, timeout=DONE_WITHIN_S)
    assert not late, f"still without everything: {[len(got) for got in received]}"
    for task in [*clients, *tasks[1:]]:
        if task.done():
            task.result()


@pytest.mark.parametrize("start", range(0, 50, SEEDS_PER_TEST))
def test_every_client_ends_up_with_the_exact_sequence(start: int) -> None:
    for seed in range(start, start + SEEDS_PER_TEST):
        dice = Random(seed)  # noqa: S311 - a die, not a secret
        received: list[list[int]] = [[] for _ in range(CLIENTS)]
        Loop(dice).run(scene(dice, received))
        assert received == [list(range(ENTRIES))] * CLIENTS, f"seed {seed}"
