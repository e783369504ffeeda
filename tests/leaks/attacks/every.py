"""Every attack with one seed."""

from __future__ import annotations

from tests.leaks.attacks import fees, pools, quiet, reversals, rhythm
from tests.leaks.attacks.results import Result


async def results(seed: int, trials: int) -> list[Result]:
    """Try each attack about so many times."""
    found = [result for attack in (quiet, fees, pools, reversals) for result in attack.results(seed, trials)]
    return [*found, *await rhythm.results(seed, trials)]
