"""Exports that were made for readers, kept on the disk for whoever asks next, within a bound.

An export is made once however many ask for it, one at a time, beside the requests: who waits too long is told how far
it is and comes back. Readers hold the open file, so what leaves the shelf is still read to its end.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from ledger.export import Range
    from server.exports.maker import Progress

KEPT_BYTES_MAX = 2 * 1024**3
WAITING_MAX = 16
WAIT_TIMEOUT_S = 20.0

Make = Callable[["Range", Path, "Progress"], Awaitable[None]]


class Full(Exception):
    """So many exports are being made that this one is not begun."""


class NotYet(Exception):
    """It is being made; `done` of `total` entries are read."""

    def __init__(self, done: int, total: int) -> None:
        super().__init__(f"{done} of {total} entries are read")
        self.done = done
        self.total = total


@dataclass
class _Making:
    task: asyncio.Task[None]
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    path: Path
    size: int


class Shelf:
    """A directory of exports, of this process alone; it begins empty. `make` writes one to a path, whole or not."""

    def __init__(self, directory: Path, make: Make, *, kept_bytes_max: int = KEPT_BYTES_MAX) -> None:
        self._directory = directory
        self._make = make
        self._kept_bytes_max = kept_bytes_max
        self._kept: dict[Range, _Kept] = {}
        self._making: dict[Range, _Making] = {}
        self._one_at_a_time = asyncio.Lock()
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(mode=0o700, parents=True)

    async def open(self, chosen: Range) -> BinaryIO:
        """The export, open for reading; whoever asks closes it.

        Raises NotYet when it takes longer than WAIT_TIMEOUT_S, Full, and whatever `make` raises.
        """
        while (kept := self._kept.get(chosen)) is None:
            making = self._making.get(chosen) or self._begin(chosen)
            done, _ = await asyncio.wait([making.task], timeout=WAIT_TIMEOUT_S)
            if not done:
                raise NotYet(making.done, making.total)
            making.task.result()
        # What was asked for last is let go of last.
        self._kept[chosen] = self._kept.pop(chosen)
        return kept.path.open("rb")

    async def close(self) -> None:
        """Stop making, and remove everything."""
        tasks = [making.task for making in self._making.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    def _begin(self, chosen: Range) -> _Making:
        if len(self._making) >= WAITING_MAX:
            raise Full
        made = self._making[chosen] = _Making(asyncio.create_task(self._fill(chosen), name=f"export {chosen}"))
        return made

    async def _fill(self, chosen: Range) -> None:
        path = self._directory / f"{chosen.log}-{chosen.first}-{chosen.end}.tar"

        def progress(done: int, total: int) -> None:
            making = self._making[chosen]
            making.done, making.total = done, total

        try:
            async with self._one_at_a_time:
                await self._make(chosen, path, progress)
            size = (await asyncio.to_thread(path.stat)).st_size
            self._kept[chosen] = _Kept(path, size)
            await self._let_go()
        finally:
            del self._making[chosen]

    async def _let_go(self) -> None:
        """The oldest go until the rest is within the bound; the newest stays, however large."""
        held = sum(kept.size for kept in self._kept.values())
        gone = []
        for chosen in list(self._kept)[:-1]:
            if held <= self._kept_bytes_max:
                break
            gone.append(self._kept.pop(chosen))
            held -= gone[-1].size
        for kept in gone:
            await asyncio.to_thread(kept.path.unlink, missing_ok=True)
