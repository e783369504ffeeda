"""Ten rounds of kill -9 for everybody; `./dev bench` plays two hundred. SECONDWIND_TEST_SEED plays a game again."""

from __future__ import annotations

import os
import secrets

import pytest

from tests.e2e.rounds import play

pytestmark = pytest.mark.timeout(280)


async def test_ten_rounds_of_kill_9_lose_nothing_and_book_nothing_twice() -> None:
    seed = int(os.environ.get("SECONDWIND_TEST_SEED") or secrets.randbits(32))
    tally = await play(rounds=10, seed=seed)
    assert (tally.rounds, tally.gifts) == (10, 300)
