"""Wake-ups are kept while a listener works, and cost nothing but time when they are lost."""

from __future__ import annotations

import asyncio
import time

from server.wakeups import Wakeups


async def test_a_listener_wakes_when_its_topic_is_notified() -> None:
    wakeups = Wakeups()
    async with wakeups.listen("books") as waiter:
        asyncio.get_running_loop().call_soon(wakeups.notify, "books")
        assert await waiter.wait(timeout_s=5)


async def test_a_wake_up_that_comes_while_the_listener_works_is_kept() -> None:
    wakeups = Wakeups()
    async with wakeups.listen("books") as waiter:
        wakeups.notify("books")
        wakeups.notify("books")
        assert await waiter.wait(timeout_s=5)
        assert not await waiter.wait(timeout_s=0.001)


async def test_another_topic_does_not_wake() -> None:
    wakeups = Wakeups()
    async with wakeups.listen("books") as waiter:
        wakeups.notify("public")
        assert not await waiter.wait(timeout_s=0.001)


async def test_every_listener_of_a_topic_wakes() -> None:
    wakeups = Wakeups()
    async with wakeups.listen("books") as one, wakeups.listen("books") as two:
        wakeups.notify("books")
        assert await one.wait(timeout_s=5)
        assert await two.wait(timeout_s=5)


async def test_a_wait_ends_by_itself() -> None:
    wakeups = Wakeups()
    async with wakeups.listen("books") as waiter:
        before = time.monotonic()
        assert not await waiter.wait(timeout_s=0.01)
        assert time.monotonic() - before < 5
