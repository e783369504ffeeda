"""An event loop that one seed decides: virtual time, no threads, and a die that says whose turn it is.

Every handle belongs to the owner whose context it was scheduled in: a process, the database, the network. An owner's
handles run in order, as asyncio promises; between owners the die chooses, as computers and networks do. A killed owner
never runs again: its tasks are kept as they stood, so that not even a `finally` of theirs has any effect.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any
from zlib import crc32

OWNER: ContextVar[str] = ContextVar("owner", default="world")
TURN_S = 0.000_05
TURNS_MAX = 2_000_000


def as_owner(owner: str, work: Callable[..., Any], *args: Any) -> Any:
    """Call `work` so that whatever it schedules belongs to `owner`."""
    context = copy_context()
    context.run(OWNER.set, owner)
    return context.run(work, *args)


class Killed(BaseException):
    """The owner was killed in the middle of what it did. Not an Exception: nothing may catch it and go on."""


class Stuck(Exception):
    """Nothing is left that could ever happen, or nothing came to an end within the bound."""


class Loop(asyncio.AbstractEventLoop):
    """The part of an event loop that the code under test uses. `on_turn` is called before every turn with its owner."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.turns = 0
        self.on_turn: Callable[[str], None] = lambda _owner: None
        self.errors: list[str] = []
        self.trace = 0
        self._now_s = 0.0
        self._ready: dict[str, deque[asyncio.Handle]] = {}
        self._owners: dict[int, str] = {}
        self._timers: list[tuple[float, int, asyncio.TimerHandle, str]] = []
        self._number = 0
        self._dead: set[str] = set()
        self._paused: dict[str, float] = {}
        self._tasks: list[tuple[asyncio.Task[Any], Coroutine[Any, Any, Any], Context]] = []

    # What asyncio asks of a loop.

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def time(self) -> float:
        return self._now_s

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> asyncio.Task[Any]:
        context = copy_context() if context is None else context
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append((task, coro, context))
        return task

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:
        context = copy_context() if context is None else context
        handle = asyncio.Handle(callback, args, self, context)
        self._queue(context.get(OWNER, "world"), handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now_s + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        context = copy_context() if context is None else context
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._number += 1
        heapq.heappush(self._timers, (when, self._number, handle, context.get(OWNER, "world")))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer stays where it is and does nothing when its time comes."""

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:  # noqa: ARG002 - asyncio's own
        """Run `func` on a turn of its own, beside the owner's other work, as a thread does."""
        answer = self.create_future()

        def work() -> None:
            try:
                result = func(*args)
            except Killed:
                return
            except Exception as error:  # noqa: BLE001 - the waiting task gets it, whatever it is
                if not answer.done():
                    answer.set_exception(error)
            else:
                if not answer.done():
                    answer.set_result(result)

        owner = OWNER.get()
        context = copy_context()
        handle = asyncio.Handle(work, (), self, context)
        self._queue(f"{owner}/thread", handle)
        return answer

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and not isinstance(error, Killed):
            self.errors.append(f"{context.get('message')}: {error!r}")

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.call_exception_handler(context)

    # What the world does with it.

    def kill(self, owner: str) -> None:
        """The owner runs no more, and neither do its threads."""
        self._dead |= {owner, f"{owner}/thread"}
        for name in (owner, f"{owner}/thread"):
            self._ready.pop(name, None)

    def is_dead(self, owner: str) -> bool:
        """Whether the owner was killed."""
        return owner in self._dead

    def pause(self, owner: str, duration_s: float) -> None:
        """The owner sleeps, as a machine does that swaps, and notices nothing."""
        self._paused[owner] = self._now_s + duration_s

    def run(self, main: Coroutine[Any, Any, None]) -> None:
        """Run until `main` ends. Raises what it raises, and Stuck when nothing can happen any more."""
        asyncio.events._set_running_loop(self)
        try:
            task = self.create_task(main)
            while not task.done():
                self._turn()
            task.result()
        finally:
            self._close()
            asyncio.events._set_running_loop(None)

    def _queue(self, owner: str, handle: asyncio.Handle) -> None:
        if owner not in self._dead:
            self._ready.setdefault(owner, deque()).append(handle)

    def _turn(self) -> None:
        self.turns += 1
        if self.turns > TURNS_MAX:
            raise Stuck(f"{TURNS_MAX} turns and no end")
        self._now_s += TURN_S
        self._release_timers()
        able = [owner for owner, handles in self._ready.items() if handles and self._is_awake(owner)]
        while not able:
            if not self._timers and not self._paused:
                raise Stuck(f"nothing is left to happen after {self._now_s:.1f} s")
            self._now_s = min([*self._paused.values(), *(timer[0] for timer in self._timers[:1])])
            self._release_timers()
            able = [owner for owner, handles in self._ready.items() if handles and self._is_awake(owner)]
        owner = able[self.dice.randrange(len(able))] if len(able) > 1 else able[0]
        self.trace = crc32(owner.encode(), self.trace)
        self.on_turn(owner)
        if owner in self._dead:
            return
        handle = self._ready[owner].popleft()
        if not self._ready[owner]:
            del self._ready[owner]
        if not handle.cancelled():
            with contextlib.suppress(Killed):
                handle._run()

    def _is_awake(self, owner: str) -> bool:
        until_s = self._paused.get(owner)
        if until_s is None:
            return True
        if until_s > self._now_s:
            return False
        del self._paused[owner]
        return True

    def _release_timers(self) -> None:
        while self._timers and self._timers[0][0] <= self._now_s:
            _, _, handle, owner = heapq.heappop(self._timers)
            if not handle.cancelled():
                self._queue(owner, handle)
        for owner in [name for name, until_s in self._paused.items() if until_s <= self._now_s]:
            del self._paused[owner]

    def _close(self) -> None:
        """Everybody is dead now; close what is left, so that nothing is reported as forgotten."""
        self._dead |= {context.get(OWNER, "world") for _, _, context in self._tasks}
        for task, coroutine, context in self._tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # it was killed, not forgotten
            if not task.done():
                with contextlib.suppress(BaseException):
                    context.run(coroutine.close)
        self._ready.clear()
        self._timers.clear()
