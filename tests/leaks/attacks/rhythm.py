"""A9, B12: do anchors tell when it is busy behind the public log? Nights of crisis, and quiet ones.

The real `Anchors` over logs that grow in some intervals and not in others. The attacker has every anchor: its minute,
its distance from the one before, its length and the bytes of its commitment; of half of them he knows which were busy,
learns the best rule he can, and guesses the other half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from ledger import canonical
from ledger.anchor import ANCHORED
from ledger.types import Appended, Command
from server.publishing.anchors import INTERVAL_US, POLL_INTERVAL_S, Anchors
from tests.leaks.attacks.results import Result, mean

MINUTE_US: Final = 60_000_000
BUSY_SHARE: Final = 0.5
BITS: Final = 64


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    note: str


class _Log:
    """A log that is not public: its newest checkpoint says how large it is, as a real one does."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.size = 10

    async def newest_checkpoint(self) -> Any:
        return _Checkpoint(f"example.org/{self.name}\n{self.size}\nhash of {self.size}\n")


class _Public:
    """The public log, as far as an anchor goes into it: what was told, and in which minute."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        self.anchors: list[tuple[int, bytes]] = []

    async def append(self, command: Command) -> Appended:
        at_us = self.clock() // MINUTE_US * MINUTE_US
        self.anchors.append((at_us, canonical.encode(dict(command.drafts[0].data))))
        return Appended(len(self.anchors), 1, (bytes(32),), 1)


async def results(seed: int, trials: int) -> list[Result]:
    """Every experiment of this attack."""
    dice = Random(f"{seed} rhythm")  # noqa: S311 - an experiment, repeatable on purpose
    busy = [dice.random() < BUSY_SHARE for _ in range(trials)]
    features = list(_features(await _anchored(dice, busy)))
    learned = _learned(features, busy)
    careless = list(_features(_when_grown(dice, busy)))
    question = "whether ten minutes were busy, from every anchor's minute, length and bytes"
    return [Result("B12", question, trials // 2, learned, BUSY_SHARE, _learned(careless, busy), BUSY_SHARE)]


async def _anchored(dice: Random, busy: Sequence[bool]) -> list[tuple[int, bytes]]:
    """What the publisher tells while the other logs grow in busy intervals, as often as it looks."""
    now_us = [100 * INTERVAL_US]
    logs = {log: _Log(log) for log in ANCHORED}
    public = _Public(lambda: now_us[0])
    anchors = Anchors(logs, public, lambda: now_us[0], dice.randbytes)  # type: ignore[arg-type]  # stand-ins
    for is_busy in busy:
        begin_us = now_us[0] // INTERVAL_US * INTERVAL_US
        while now_us[0] < begin_us + INTERVAL_US:
            if is_busy:
                logs["books"].size += dice.randrange(1, 50)
            await anchors.step()
            # A busy service looks a little later than an idle one.
            now_us[0] += int((POLL_INTERVAL_S + dice.random() * (3 if is_busy else 1)) * 1_000_000)
    return public.anchors


def _when_grown(dice: Random, busy: Sequence[bool]) -> list[tuple[int, bytes]]:
    """The control: an anchor as soon as something has grown, and every hour otherwise."""
    at_us, told = 100 * INTERVAL_US, []
    for is_busy in busy:
        at_us += INTERVAL_US
        late_us = 0 if is_busy else 5 * MINUTE_US
        told.append((at_us + late_us, dice.randbytes(32)))
    return told


def _features(anchors: Sequence[tuple[int, bytes]]) -> Iterator[list[int]]:
    """All that each anchor shows, as numbers."""
    before_us = anchors[0][0]
    for at_us, data in anchors:
        bits = int.from_bytes(data[-BITS // 8 - 4 : -4], "big")
        seen = [at_us // MINUTE_US % 10, (at_us - before_us) // MINUTE_US, len(data), at_us % MINUTE_US]
        yield [*seen, *(bits >> n & 1 for n in range(BITS))]
        before_us = at_us


def _learned(features: Sequence[list[int]], busy: Sequence[bool]) -> float:
    """The best rule "feature n is at least x" of the first half, and how often it is right in the second."""
    half = len(busy) // 2
    rules = [(n, x, sign) for n in range(len(features[0])) for x in {f[n] for f in features[:half]} for sign in (0, 1)]

    def right(rule: tuple[int, int, int], span: range) -> float:
        n, x, sign = rule
        return mean([float(((features[i][n] >= x) ^ bool(sign)) == busy[i]) for i in span])

    best = max(rules, key=lambda rule: right(rule, range(half)))
    return right(best, range(half, len(busy)))
