"""Every attack with one seed."""

from __future__ import annotations

from tests.leaks.attacks import fees, pools, quiet, rhythm
from tests.leaks.attacks.results import Result


async def results(seed: int, trials: int) -> list[Result]:
    """Try each attack about so many times."""
    found = [*quiet.results(seed, trials), *fees.results(seed, trials), *pools.results(seed, trials)]
    return [*found, *await rhythm.results(seed, trials)]
