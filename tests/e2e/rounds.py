"""Kill -9, in rounds: any of the four processes and the postmaster, in any order, under load. Nothing may be lost.

`play` is called with 10 rounds by the tests and with 200 by the bench. One seed gives the same gifts, the same victims
in the same order and the same pauses; what the machine makes of them differs, so a failure names its seed and round.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import giving
from tests.support.fleet import DATABASE, KINDS, Fleet, fleet
from tests.support.giving import Giving
from tests.support.service import POLL_S

VICTIM_COUNTS = (1, 1, 1, 2, 2, 3, 5)
BEFORE_ROUND_S = (0.1, 1.0)
BETWEEN_KILLS_S = (0.0, 0.15)
SOUND_TIMEOUT_S = 60.0


@dataclass(slots=True)
class Tally(giving.Tally):
    """The sender's tally, and what was done to the service meanwhile.

    `slowest_s` is the longest way from the last kill of a round to a service that is ready; `settled_s` how long after
    the last event was acknowledged nothing waited any more; `refused_starts` counts starts without a database (exit 2).
    """

    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    refused_starts: int = 0
    verified: int = 0
    slowest_s: float = 0.0
    settled_s: float = 0.0


async def play(*, rounds: int, seed: int, gifts_per_round: int = 30, rate: float = 30.0) -> Tally:
    """Play the rounds, wait until nothing is left to do, and hold the books against the sender's own tally.

    Raises AssertionError; a note on it names the seed and the round.
    """
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="rounds-", ignore_cleanup_errors=True) as directory:
        async with (
            giving.giving(tally) as sender,
            fleet(Path(directory), **sender.environment) as running,
        ):
            game = _Game(running, sender, tally, seed, Path(directory))
            try:
                await game.play(rounds, gifts_per_round, rate)
            except BaseException as error:
                error.add_note(
                    f"play(rounds={rounds}, seed={seed}) failed after round {tally.rounds}; killed: {game.victims}"
                )
                raise
    return tally


class _Game:
    def __init__(self, running: Fleet, sender: Giving, tally: Tally, seed: int, directory: Path) -> None:
        self.victims: list[str] = []
        self._fleet = running
        self._giving = sender
        self._tally = tally
        self._seed = seed
        self._dice = random.Random(seed)  # noqa: S311 - a game that can be played again; nothing secret
        self._seen_first, self._seen_half_way = directory / "first.txt", directory / "half-way.txt"
        self._sizes: Counter[str] = Counter()

    async def play(self, rounds: int, gifts: int, rate: float) -> None:
        await self._until(lambda status: status["checkpoint"] is not None)
        await self._see(self._seen_first)
        async with asyncio.TaskGroup() as senders:
            for number in range(rounds):
                seed = f"{self._seed}/{number}"
                senders.create_task(self._giving.give(self._fleet.web, gifts, rate=rate, seed=seed))
                await self._round()
                if self._tally.rounds == (rounds + 1) // 2:
                    await self._verify(self._seen_first)
                    await self._see(self._seen_half_way)
        began = time.monotonic()
        admin_url = self._fleet.postgres.admin_url
        await self._giving.settled(self._fleet.web, admin_url)
        self._tally.settled_s = time.monotonic() - began
        await self._giving.hold(admin_url)
        await self._until(self._is_sound)
        await self._verify(self._seen_first)
        await self._verify(self._seen_half_way)

    async def _round(self) -> None:
        await asyncio.sleep(self._dice.uniform(*BEFORE_ROUND_S))  # into the middle of something
        self.victims = self._dice.sample(KINDS, self._dice.choice(VICTIM_COUNTS))
        revived = self._dice.sample(self.victims, len(self.victims))
        for kind in self.victims:
            await asyncio.to_thread(self._fleet.kill, kind)
            self._tally.kills[kind] += 1
            await asyncio.sleep(self._dice.uniform(*BETWEEN_KILLS_S))
        began = time.monotonic()
        await asyncio.gather(*(self._fleet.revive(kind) for kind in revived))
        if DATABASE in self.victims:
            await self._fleet.database_answers()
        await self._until(self._is_sound)
        self._tally.slowest_s = max(self._tally.slowest_s, time.monotonic() - began)
        self._tally.refused_starts = self._fleet.refused_starts
        self._tally.rounds += 1

    def _is_sound(self, status: dict[str, Any]) -> bool:
        """Quick: it is ready again, nothing shrank, nothing is halted, nothing was given up."""
        if not status["ready"] or status["unknown"]:
            return False
        assert status["halted"] is None, status["halted"]
        assert "dead" not in status["inbox"], status["inbox"]
        assert not any(row["failed"] for row in status["projections"].values()), status["projections"]
        sizes = Counter({log: entry["size"] for log, entry in status["logs"].items()})
        sizes["checkpoint"] = status["checkpoint"]["size"]
        assert all(sizes[name] >= size for name, size in self._sizes.items()), f"{sizes} after {self._sizes}"
        self._sizes = sizes
        return True

    async def _until(self, condition: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until what the service says of itself fulfils the condition, at most SOUND_TIMEOUT_S."""
        deadline = time.monotonic() + SOUND_TIMEOUT_S
        while not condition(status := await asyncio.to_thread(self._fleet.web.json, "/status")):
            assert time.monotonic() < deadline, f"not within {SOUND_TIMEOUT_S} s: {status}"
            await asyncio.sleep(POLL_S)

    async def _see(self, pinned: Path) -> None:
        """As a stranger does who looks for the first time."""
        code, report = await asyncio.to_thread(self._fleet.web.verify, "--first-use", str(pinned))
        assert (code, report["verdict"]) == (2, "could-not-tell"), report

    async def _verify(self, pinned: Path) -> None:
        """As a stranger does who has seen the log before: it may only have grown since."""
        code, report = await asyncio.to_thread(self._fleet.web.verify, "--trusted", str(pinned))
        assert (code, report["verdict"]) == (0, "verified"), report
        self._tally.verified += 1
