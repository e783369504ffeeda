"""What benches share: a real server with fsync on, how long to run, how to tell progress, and what this machine is."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.support.postgres import Server


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
        f"Python {platform.python_version()}, fsync {_fsync_us():.0f} µs"
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
