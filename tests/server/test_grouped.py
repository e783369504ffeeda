"""Callers that share statements: each hears its own answer, and only after its own part is done."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from server.grouped import Grouped, QueueFull


class Recorder:
    """Doubles numbers, group by group, when the test lets it."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def run(self, items: list[int]) -> list[int]:
        self.groups.append(items)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return [2 * item for item in items]


async def test_a_lone_call_runs_at_once_and_alone() -> None:
    recorder = Recorder()
    grouped = Grouped(recorder.run)
    assert await grouped.call(1) == 2
    assert await grouped.call(2) == 4
    assert recorder.groups == [[1], [2]]


async def test_calls_that_come_meanwhile_go_together_in_the_next_group() -> None:
    recorder = Recorder()
    recorder.gate.clear()
    grouped = Grouped(recorder.run, group_len_max=3)
    calls = [asyncio.create_task(grouped.call(number)) for number in range(6)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    recorder.gate.set()
    assert await asyncio.gather(*calls) == [0, 2, 4, 6, 8, 10]
    assert max(map(len, recorder.groups)) == 3
    assert [item for group in recorder.groups for item in group] == list(range(6))


async def test_a_failing_group_tells_each_of_its_callers_and_no_other() -> None:
    recorder = Recorder()
    grouped = Grouped(recorder.run)
    recorder.error = ConnectionError("gone")
    answers = await asyncio.gather(*(grouped.call(number) for number in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ConnectionError] * 3
    recorder.error = None
    assert await grouped.call(4) == 8


async def test_more_than_the_queue_holds_is_refused_at_once() -> None:
    recorder = Recorder()
    recorder.gate.clear()
    grouped = Grouped(recorder.run, group_len_max=1, queue_len_max=2)
    first = asyncio.create_task(grouped.call(0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(grouped.call(number)) for number in (1, 2)]
    await asyncio.sleep(0)
    with pytest.raises(QueueFull) as refused:
        await grouped.call(3)
    assert refused.value.waiting == 2
    recorder.gate.set()
    assert await asyncio.gather(first, *waiting) == [0, 2, 4]


async def test_a_group_that_takes_too_long_is_given_up_and_the_next_one_runs() -> None:
    recorder = Recorder()
    recorder.gate.clear()
    grouped = Grouped(recorder.run, timeout_s=0.01)
    with pytest.raises(TimeoutError):
        await grouped.call(1)
    recorder.gate.set()
    assert await grouped.call(2) == 4


async def test_work_that_cannot_be_cancelled_holds_up_neither_its_callers_nor_the_next_group() -> None:
    """So is a statement whose connection is half open: the driver waits for its cancellation to be confirmed."""
    answered = asyncio.Event()
    groups: list[list[int]] = []

    async def run(items: list[int]) -> list[int]:
        groups.append(items)
        while len(groups) == 1 and not answered.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await answered.wait()
        return items

    grouped = Grouped(run, timeout_s=0.05)
    async with asyncio.timeout(2):
        with pytest.raises(TimeoutError):
            await grouped.call(1)
        assert await grouped.call(2) == 2
    answered.set()


async def test_a_caller_who_gives_up_disturbs_nobody() -> None:
    recorder = Recorder()
    recorder.gate.clear()
    grouped = Grouped(recorder.run)
    first, second = asyncio.create_task(grouped.call(1)), asyncio.create_task(grouped.call(2))
    third = asyncio.create_task(grouped.call(3))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second.cancel()
    recorder.gate.set()
    assert await first == 2
    assert await third == 6
    with pytest.raises(asyncio.CancelledError):
        await second


async def test_when_it_is_stopped_everybody_who_waits_is_told() -> None:
    recorder = Recorder()
    recorder.gate.clear()
    grouped = Grouped(recorder.run, group_len_max=1)
    calls = [asyncio.create_task(grouped.call(number)) for number in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert grouped._runner is not None
    grouped._runner.cancel()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers] == [asyncio.CancelledError] * 3


async def test_groups_keep_their_distance_and_the_first_does_not_wait() -> None:
    recorder = Recorder()
    grouped = Grouped(recorder.run, interval_s=0.05)
    clock = asyncio.get_running_loop().time
    began_s = clock()
    await grouped.call(1)
    first_s = clock() - began_s
    await asyncio.gather(*(grouped.call(number) for number in range(2, 8)))
    assert first_s < 0.05 <= clock() - began_s
    assert recorder.groups == [[1], [2, 3, 4, 5, 6, 7]]
