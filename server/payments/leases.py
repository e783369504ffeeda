"""A loop that claims work by lease and keeps many pieces of it in flight, so that the writer has batches to group.

It sleeps until it is woken, with a slow poll behind the wake-up. It takes no more than it has hands for. No piece of
work, however it fails, stops the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from server.wakeups import Wakeups

Work = TypeVar("Work")

_log = logging.getLogger(__name__)


def backoff_s(attempts: int, *, first_s: float, longest_s: float) -> float:
    """Return the pause after that many attempts: doubling from `first_s`, at most `longest_s`."""
    return min(longest_s, first_s * float(2 ** min(max(attempts, 1) - 1, 30)))


@dataclass(frozen=True, slots=True)
class LoopLimits:
    """How much at once, how long, how often. `work_timeout_s` is below `lease_s`, or two would work on one row."""

    in_flight_max: int = 128
    lease_s: float = 30.0
    work_timeout_s: float = 20.0
    poll_s: float = 2.0
    claim_interval_s: float = 0.02
    trouble_delay_s: float = 1.0
    drain_timeout_s: float = 5.0


class LeaseLoop(Generic[Work]):
    """Claims with `claim(limit)`, works with `work(piece)`, until cancelled; then it drains what it holds."""

    def __init__(
        self,
        name: str,
        claim: Callable[[int], Awaitable[Sequence[Work]]],
        work: Callable[[Work], Awaitable[None]],
        limits: LoopLimits,
    ) -> None:
        self._name = name
        self._claim = claim
        self._work = work
        self._limits = limits
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def in_flight(self) -> int:
        """How many pieces are being worked on now."""
        return len(self._tasks)

    async def run(self, wakeups: Wakeups, topic: str) -> None:
        """Work until cancelled. A wake-up that arrives meanwhile is not lost."""
        try:
            async with wakeups.listen(topic) as waiter:
                clock = asyncio.get_running_loop().time
                while True:
                    began_s = clock()
                    claimed = await self._fill()
                    if claimed == 0:
                        await self._rest(asyncio.ensure_future(waiter.wait(self._limits.poll_s)))
                    # Work arrives and ends in bursts: one claim for a burst, not one per piece.
                    pause_s = self._limits.trouble_delay_s if claimed is None else self._limits.claim_interval_s
                    await asyncio.sleep(max(0.0, began_s + pause_s - clock()))
        finally:
            await self._drain()

    async def run_once(self) -> int:
        """Claim and work until nothing is due; return how many pieces were taken. For tests and the command line."""
        taken = 0
        while True:
            claimed = await self._fill()
            if not claimed and not self._tasks:
                return taken
            taken += claimed or 0
            if self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def _fill(self) -> int | None:
        """Claim as much as there are hands for; None when the claim itself failed."""
        free = self._limits.in_flight_max - len(self._tasks)
        if free <= 0:
            return 0
        try:
            pieces = await self._claim(free)
        except Exception as error:  # noqa: BLE001 - the database may be away in any way; the loop outlives it
            _log.warning("%s cannot claim work (%s); trying again", self._name, type(error).__name__)
            return None
        for piece in pieces:
            task = asyncio.create_task(self._guarded(piece))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(pieces)

    async def _rest(self, woken: asyncio.Future[bool]) -> None:
        """Wait for a wake-up, the poll, or a finished piece: what was queued behind it may be due now."""
        waited_for: set[asyncio.Future[Any]] = {woken, *self._tasks}
        try:
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await woken

    async def _guarded(self, piece: Work) -> None:
        try:
            async with asyncio.timeout(self._limits.work_timeout_s):
                await self._work(piece)
        except Exception as error:  # noqa: BLE001 - its lease will run out and it is tried again
            _log.warning("%s leaves a piece to its lease (%s)", self._name, type(error).__name__)

    async def _drain(self) -> None:
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=self._limits.drain_timeout_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
