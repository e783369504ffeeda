"""Waiting for what must become true: polled, because the condition lives in a database or another task, and bounded."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable

PAUSE_S = 0.005


async def until(condition: Callable[[], object | Awaitable[object]], timeout_s: float = 20.0) -> None:
    """Return once `condition()` is truthy. Raises TimeoutError when it does not become so in time."""
    async with asyncio.timeout(timeout_s):
        while True:
            answer = condition()
            if await answer if inspect.isawaitable(answer) else answer:
                return
            await asyncio.sleep(PAUSE_S)
