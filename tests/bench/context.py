"""What benches share: a real server with fsync on, how long to run, how to tell progress, and what this machine is."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.support.postgres import Server

Act = Callable[[int], Awaitable[object]]
"""The n-th thing of its kind."""


@dataclass(frozen=True, slots=True)
class Context:
    """`runs`: how often each side takes its turn. `scale`: how much work a turn is. `directory` is empty."""

    server: Server
    directory: Path
    runs: int = 5
    scale: float = 1.0
    long: bool = False

    def of(self, count: int) -> int:
        """So much of this work, at this scale."""
        return max(1, int(count * self.scale))

    def say(self, line: str) -> None:
        """Tell who waits what is going on."""
        sys.stderr.write(f"  {line}\n")
        sys.stderr.flush()


@dataclass(slots=True)
class Turn:
    """How much was done in a turn, and how long each caller waited for each answer."""

    count: int = 0
    seconds: float = 0.0
    waits_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """So many a second."""
        return self.count / self.seconds

    async def act(self, act: Act, n: int) -> None:
        """Do one thing, and note how long it took."""
        began = time.perf_counter()
        await act(n)
        took = time.perf_counter() - began
        self.count += 1
        self.seconds += took
        self.waits_ms.append(took * 1000)


async def callers(count: int, total: int, act: Act) -> Turn:
    """`count` callers, each doing one thing after another, `total` things between them."""
    turn = Turn()

    async def one(first: int) -> None:
        for n in range(first, total, count):
            await turn.act(act, n)

    began = time.perf_counter()
    await asyncio.gather(*(one(n) for n in range(min(count, total))))
    turn.seconds = time.perf_counter() - began
    return turn


async def alternate(total: int, acts: Sequence[Act]) -> list[Turn]:
    """One caller who does one thing of each kind in turn: for things so short that a disturbance outlasts many."""
    turns = [Turn() for _ in acts]
    for n in range(total):
        for act, turn in zip(acts, turns, strict=True):
            await turn.act(act, n)
    return turns


async def take_turns(runs: int, sides: Iterable[Callable[[], Awaitable[float]]]) -> list[list[float]]:
    """Run each side once, then each once more, and so on: what disturbs one disturbs the others too."""
    sides = list(sides)
    found: list[list[float]] = [[] for _ in sides]
    for _ in range(runs):
        for side, values in zip(sides, found, strict=True):
            values.append(await side())
    return found


def machine() -> str:
    """This machine, in one line: what a figure depends on most."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, fsync {_fsync_us():.0f} µs, load before {os.getloadavg()[0]:.1f}"
    )


def _fsync_us() -> float:
    took = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(50):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return median(took) * 1e6
