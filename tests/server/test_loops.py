"""A follower works until nothing is new, sleeps until it is woken, and waits out what is unavailable."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from ledger.errors import Busy
from server.loops import follow
from server.wakeups import Wakeups


class Work:
    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.calls = 0
        self.idle = asyncio.Event()

    async def step(self) -> int:
        self.calls += 1
        answer = self.answers.pop(0) if self.answers else 0
        if isinstance(answer, Exception):
            raise answer
        if not self.answers:
            self.idle.set()
        return answer


async def run_until_idle(work: Work, wakeups: Wakeups, **options: float) -> None:
    task = asyncio.create_task(follow(wakeups, "books", work.step, **options))
    async with asyncio.timeout(5):
        await work.idle.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_follower_works_until_nothing_is_new() -> None:
    work = Work(3, 2, 0)
    await run_until_idle(work, Wakeups())
    assert work.calls == 3


async def test_a_follower_reports_each_step_that_did_something() -> None:
    work, done = Work(3, 2, 0), []
    task = asyncio.create_task(follow(Wakeups(), "books", work.step, done=lambda: done.append(1)))
    async with asyncio.timeout(5):
        await work.idle.wait()
    task.cancel()
    assert len(done) == 2


async def test_a_follower_waits_out_what_is_unavailable_and_goes_on() -> None:
    busy = Busy(1)
    busy.retry_after_s = 0.001
    work = Work(busy, 1, 0)
    await run_until_idle(work, Wakeups(), poll_interval_s=0.001)
    assert work.calls == 3


async def test_the_slow_poll_stands_behind_a_lost_wake_up() -> None:
    """Attacks E15: a lost wake-up costs a second, and nothing else."""
    work = Work(0, 1, 0)
    await run_until_idle(work, Wakeups(), poll_interval_s=0.001)
    assert work.calls >= 3
