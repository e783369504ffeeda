"""The loop of the workers: bounded, woken, and not stopped by anything a piece of work does."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest

from server.payments.leases import LeaseLoop, LoopLimits, backoff_s
from server.wakeups import Wakeups
from tests.server.payments.waiting import until

FAST = LoopLimits(
    in_flight_max=3, poll_s=5.0, claim_interval_s=0.0, trouble_delay_s=0.01, drain_timeout_s=0.2, work_timeout_s=0.5
)


class Quarry:
    """Numbers to work on, and what is being worked on."""

    def __init__(self, *numbers: int) -> None:
        self.waiting = deque(numbers)
        self.done: list[int] = []
        self.at_once_max = 0
        self.claims_failing = 0
        self.hands = 0

    async def claim(self, limit: int) -> list[int]:
        if self.claims_failing:
            self.claims_failing -= 1
            raise ConnectionError("gone")
        return [self.waiting.popleft() for _ in range(min(limit, len(self.waiting)))]

    async def work(self, number: int) -> None:
        self.hands += 1
        self.at_once_max = max(self.at_once_max, self.hands)
        await asyncio.sleep(0)
        self.hands -= 1
        if number < 0:
            raise ValueError(number)
        self.done.append(number)


async def test_everything_due_is_worked_with_no_more_hands_than_allowed() -> None:
    quarry = Quarry(*range(20))
    assert await LeaseLoop("test", quarry.claim, quarry.work, FAST).run_once() == 20
    assert sorted(quarry.done) == list(range(20))
    assert quarry.at_once_max == 3


async def test_a_piece_that_fails_stops_no_other() -> None:
    quarry = Quarry(1, -1, 2, -2, 3)
    await LeaseLoop("test", quarry.claim, quarry.work, FAST).run_once()
    assert sorted(quarry.done) == [1, 2, 3]


async def test_a_wake_up_is_enough_to_begin_and_a_failing_claim_is_outlived() -> None:
    quarry, wakeups = Quarry(), Wakeups()
    quarry.claims_failing = 3
    loop = LeaseLoop("test", quarry.claim, quarry.work, FAST)
    task = asyncio.create_task(loop.run(wakeups, "stones"))
    await until(lambda: not quarry.claims_failing)
    quarry.waiting.append(7)
    wakeups.notify("stones")
    await until(lambda: quarry.done)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_without_a_wake_up_the_slow_poll_finds_the_work() -> None:
    quarry = Quarry()
    limits = LoopLimits(in_flight_max=3, poll_s=0.02, claim_interval_s=0.0)
    task = asyncio.create_task(LeaseLoop("test", quarry.claim, quarry.work, limits).run(Wakeups(), "stones"))
    await asyncio.sleep(0)
    quarry.waiting.append(7)
    await until(lambda: quarry.done)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_cancelled_it_finishes_what_it_holds_and_gives_up_what_hangs() -> None:
    finished, hung = asyncio.Event(), asyncio.Event()
    gate = asyncio.Event()

    async def work(number: int) -> None:
        if number == 1:
            await gate.wait()
            finished.set()
        else:
            try:
                await asyncio.Event().wait()
            finally:
                hung.set()

    quarry = Quarry(1, 2)
    loop = LeaseLoop("test", quarry.claim, work, FAST)
    task = asyncio.create_task(loop.run(Wakeups(), "stones"))
    await until(lambda: loop.in_flight == 2)
    task.cancel()
    gate.set()
    await asyncio.gather(task, return_exceptions=True)
    assert finished.is_set()
    assert hung.is_set()
    assert loop.in_flight == 0


async def test_a_piece_that_takes_too_long_is_left_to_its_lease() -> None:
    async def hang(_number: int) -> None:
        await asyncio.Event().wait()

    limits = LoopLimits(in_flight_max=1, work_timeout_s=0.02)
    assert await LeaseLoop("test", Quarry(1).claim, hang, limits).run_once() == 1


@pytest.mark.parametrize(
    ("attempts", "pause_s"), [(0, 1.0), (1, 1.0), (2, 2.0), (5, 16.0), (9, 100.0), (10_000, 100.0)]
)
def test_pauses_double_and_have_a_limit(attempts: int, pause_s: float) -> None:
    assert backoff_s(attempts, first_s=1.0, longest_s=100.0) == pause_s
