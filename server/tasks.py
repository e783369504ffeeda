"""Long-lived tasks: named, restarted when they crash, stopped in the order asked for, each within a deadline.

A database that is away is no crash of the task that met it: it tries again at a steady pace for as long as that lasts.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

from ledger.outages import is_away, reason

RESTART_FIRST_S = 0.5
RESTART_LONGEST_S = 30.0
STABLE_AFTER_S = 60.0
OUTAGE_PAUSE_S = 1.0

_log = logging.getLogger(__name__)


class Tasks:
    """The process's background work. `crashes` counts restarts by name."""

    def __init__(self) -> None:
        self.crashes: Counter[str] = Counter()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` until it returns or is stopped; after a crash run it again, ever more slowly.

        Where it raises because the database is away it runs again after OUTAGE_PAUSE_S, which is not counted.
        """
        self._tasks[name] = asyncio.create_task(self._supervise(name, work), name=name)

    async def stop(self, *names: str, timeout_s: float) -> None:
        """Cancel these tasks (all, if none is named) and wait for them together, at most `timeout_s`."""
        chosen = [self._tasks.pop(name) for name in (names or tuple(self._tasks)) if name in self._tasks]
        for task in chosen:
            task.cancel()
        if chosen:
            _, late = await asyncio.wait(chosen, timeout=timeout_s)
            for task in late:
                _log.warning("%s did not stop within %.0f s", task.get_name(), timeout_s)

    async def _supervise(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        pause_s = RESTART_FIRST_S
        while True:
            began = loop.time()
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - whatever it was, the work must go on
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    return  # what was on its way when it was stopped failed in its turn and hid the cancellation
                if is_away(error):
                    _log.warning(
                        "%s cannot work now (%s); it tries again in %.1f s", name, reason(error), OUTAGE_PAUSE_S
                    )
                    await asyncio.sleep(OUTAGE_PAUSE_S)
                    continue
                self.crashes[name] += 1
                _log.exception("%s crashed; it starts again in %.1f s", name, pause_s)
            else:
                return
            pause_s = RESTART_FIRST_S if loop.time() - began > STABLE_AFTER_S else min(pause_s * 2, RESTART_LONGEST_S)
            await asyncio.sleep(pause_s)
