"""The loop that every follower of a log shares: work until nothing is new, then wait to be woken or for the poll."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ledger.errors import Unavailable
from server.wakeups import Wakeups

POLL_INTERVAL_S = 1.0

_log = logging.getLogger(__name__)


async def follow(  # noqa: PLR0913 - what to do, and how often
    wakeups: Wakeups,
    topic: str,
    step: Callable[[], Awaitable[int]],
    *,
    done: Callable[[], None] = lambda: None,
    pause_s: float = 0.0,
    poll_interval_s: float = POLL_INTERVAL_S,
) -> None:
    """Call `step` until it returns 0 (nothing new), then wait for `topic`; for ever, until cancelled.

    `done` is called after each step that did something. `pause_s` is the least time between two rounds of work: what
    arrives meanwhile is done together. `Unavailable` is waited out as long as it asks for; nothing is skipped.
    """
    async with wakeups.listen(topic) as waiter:
        while True:
            try:
                while await step():
                    done()
                    if pause_s:
                        await asyncio.sleep(pause_s)
            except Unavailable as error:
                _log.warning("%s waits %.1f s: %s", topic, error.retry_after_s, error)
                await asyncio.sleep(error.retry_after_s)
            await waiter.wait(poll_interval_s)
