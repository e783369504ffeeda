"""Background work: it is restarted when it crashes, ends when it is done, and stops in the order asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from server import tasks as subject
from server.tasks import Tasks


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "RESTART_FIRST_S", 0.001)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_work_that_crashes_is_counted_and_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    tasks, runs, done = Tasks(), [], asyncio.Event()

    async def work() -> None:
        runs.append(1)
        if len(runs) < 3:
            raise ValueError("some value")
        done.set()

    tasks.start("worker", work)
    async with asyncio.timeout(5):
        await done.wait()
    await tasks.stop(timeout_s=1)
    assert tasks.crashes == {"worker": 2}
    assert [record.getMessage().split(";")[0] for record in caplog.records] == ["worker crashed"] * 2


async def test_each_crash_is_answered_more_slowly_up_to_a_bound(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(subject, "RESTART_LONGEST_S", 0.004)
    tasks = Tasks()

    async def work() -> None:
        raise ValueError

    tasks.start("worker", work)
    await until(lambda: tasks.crashes["worker"] >= 5)
    await tasks.stop(timeout_s=1)
    assert [record.args[1] for record in caplog.records[:5] if isinstance(record.args, tuple)] == [
        0.001,
        0.002,
        0.004,
        0.004,
        0.004,
    ]


async def test_a_database_that_is_away_is_waited_for_at_a_steady_pace_and_is_no_crash(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(subject, "OUTAGE_PAUSE_S", 0.003)
    tasks, runs, done = Tasks(), [], asyncio.Event()
    away = [asyncpg.CannotConnectNowError("starting up"), ConnectionRefusedError(), asyncpg.DiskFullError("no space")]

    async def work() -> None:
        runs.append(1)
        if len(runs) <= len(away):
            raise away[len(runs) - 1]
        done.set()

    tasks.start("worker", work)
    async with asyncio.timeout(5):
        await done.wait()
    await tasks.stop(timeout_s=1)
    assert tasks.crashes == {}
    assert [record.getMessage() for record in caplog.records] == [
        "worker cannot work now (starting up); it tries again in 0.0 s",
        "worker cannot work now (ConnectionRefusedError); it tries again in 0.0 s",
        "worker cannot work now (no space); it tries again in 0.0 s",
    ]


async def test_a_failure_on_the_way_out_does_not_hide_that_the_work_was_stopped() -> None:
    tasks, runs = Tasks(), []

    async def work() -> None:
        runs.append(1)
        try:
            await asyncio.sleep(60)
        finally:
            raise asyncpg.InterfaceError("the connection is gone")

    tasks.start("worker", work)
    await until(lambda: bool(runs))
    async with asyncio.timeout(1):
        await tasks.stop(timeout_s=5)
    assert len(runs) == 1
    assert tasks.crashes == {}


async def test_work_that_returns_is_done(caplog: pytest.LogCaptureFixture) -> None:
    tasks, runs = Tasks(), []

    async def work() -> None:
        runs.append(1)

    tasks.start("once", work)
    await asyncio.sleep(0.01)
    await tasks.stop(timeout_s=1)
    assert (runs, tasks.crashes, caplog.records) == ([1], {}, [])


async def test_one_crash_leaves_the_others_alone() -> None:
    tasks, beats = Tasks(), []

    async def bad() -> None:
        raise ValueError

    async def good() -> None:
        while True:
            beats.append(1)
            await asyncio.sleep(0.001)

    tasks.start("bad", bad)
    tasks.start("good", good)
    await until(lambda: tasks.crashes["bad"] >= 2 and len(beats) >= 3)
    await tasks.stop(timeout_s=1)
    assert tasks.crashes["good"] == 0


async def test_named_work_stops_first_and_the_rest_afterwards() -> None:
    tasks, stopped = Tasks(), []

    def waiting(name: str) -> Callable[[], object]:
        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                stopped.append(name)

        return work

    for name in ("signer", "worker", "sockets"):
        tasks.start(name, waiting(name))  # type: ignore[arg-type]  # a coroutine function
    await asyncio.sleep(0)
    await tasks.stop("worker", "sockets", timeout_s=1)
    assert sorted(stopped) == ["sockets", "worker"]
    await tasks.stop("worker", timeout_s=1)  # it is gone already
    await tasks.stop(timeout_s=1)
    assert stopped[-1] == "signer"


async def test_work_that_does_not_stop_is_named_and_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    tasks, released = Tasks(), asyncio.Event()

    async def stubborn() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    tasks.start("stubborn", stubborn)
    await asyncio.sleep(0)
    await tasks.stop(timeout_s=0.01)
    assert "stubborn did not stop" in caplog.text
    released.set()
    await asyncio.sleep(0)
