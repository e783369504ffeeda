"""Many callers, few statements: calls that arrive while one statement runs go together in the next.

A lone call runs at once. Under load a statement begins at most every few milliseconds and grows instead, so that the
number of statements has a limit and the number of callers does not matter; each still hears only when its own part is
durable.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class QueueFull(Exception):
    """More calls wait than the limit allows; nothing was done for this one."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} calls are waiting already")
        self.waiting = waiting


class Grouped(Generic[T, R]):
    """Runs `run(items)` for groups of at most `group_len_max` items; it answers with one result per item, in order.

    Groups begin at least `interval_s` apart. What `run` raises, each caller of that group is told; so items must be
    checked before they come here. One group takes at most `timeout_s`; then its callers get TimeoutError, and nobody
    knows whether it happened.
    """

    def __init__(
        self,
        run: Callable[[list[T]], Awaitable[Sequence[R]]],
        *,
        group_len_max: int = 256,
        queue_len_max: int = 4096,
        timeout_s: float = 5.0,
        interval_s: float = 0.0,
    ) -> None:
        self._run = run
        self._group_len_max = group_len_max
        self._queue_len_max = queue_len_max
        self._timeout_s = timeout_s
        self._interval_s = interval_s
        self._next_at_s = 0.0
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._runner: asyncio.Task[None] | None = None
        self._left_alone: set[asyncio.Task[Sequence[R]]] = set()

    async def call(self, item: T) -> R:
        """Return this item's result. Raises QueueFull, TimeoutError, or whatever `run` raised."""
        if len(self._waiting) >= self._queue_len_max:
            raise QueueFull(len(self._waiting))
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, result))
        if self._runner is None:
            self._runner = asyncio.create_task(self._drain())
        return await result

    async def _drain(self) -> None:
        try:
            clock = asyncio.get_running_loop().time
            while self._waiting:
                await asyncio.sleep(max(0.0, self._next_at_s - clock()))
                self._next_at_s = clock() + self._interval_s
                count = min(len(self._waiting), self._group_len_max)
                await self._run_group([self._waiting.popleft() for _ in range(count)])
        finally:
            self._runner = None
            # Only a runner that was cancelled leaves anybody here; they must not wait for ever.
            while self._waiting:
                self._waiting.popleft()[1].cancel()

    async def _run_in_time(self, items: list[T]) -> Sequence[R]:
        """Run, at most `timeout_s` long. What does not even let itself be cancelled is left alone, not waited for."""

        async def run() -> Sequence[R]:
            return await self._run(items)

        work = asyncio.create_task(run())
        try:
            await asyncio.wait({work}, timeout=self._timeout_s)
        finally:
            if not work.done():
                work.cancel()
                self._left_alone.add(work)
                work.add_done_callback(self._forget)
        if not work.done():
            raise TimeoutError
        return work.result()

    def _forget(self, work: asyncio.Task[Sequence[R]]) -> None:
        self._left_alone.discard(work)
        if not work.cancelled():
            work.exception()  # its callers were told long ago

    async def _run_group(self, group: list[tuple[T, asyncio.Future[R]]]) -> None:
        wanted = [(item, result) for item, result in group if not result.done()]
        if not wanted:
            return
        try:
            answers = await self._run_in_time([item for item, _ in wanted])
        except asyncio.CancelledError:
            for _, result in wanted:
                result.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - every caller of the group is told, whatever it was
            for _, result in wanted:
                if not result.done():
                    result.set_exception(error)
            return
        for (_, result), answer in zip(wanted, answers, strict=True):
            if not result.done():
                result.set_result(answer)
