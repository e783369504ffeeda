"""Nothing lost: rounds of kill -9 under load, every cent accounted for at the end. Two hundred of them with --long."""

from __future__ import annotations

import time

from tests.bench.context import Context
from tests.bench.result import Result, Target
from tests.e2e.rounds import play

NAME = "kill"
ROUNDS, ROUNDS_LONG, SEED = 20, 200, 20_260_101


async def run(context: Context) -> list[Result]:
    """Raises AssertionError, with the seed, when something was lost, doubled or forked."""
    rounds = ROUNDS_LONG if context.long else context.of(ROUNDS)
    context.say(f"kill: {rounds} rounds")
    began = time.monotonic()
    tally = await play(rounds=rounds, seed=SEED, gifts_per_round=15)
    note = f"{tally.kills.total()} kills, {tally.gifts:,} gifts; {time.monotonic() - began:.0f} s"
    target = Target("least", rounds, "design/operations.md: nothing acknowledged is lost")
    return [Result("kill -9, rounds without a loss", "", [float(tally.rounds)], target=target, note=note)]
