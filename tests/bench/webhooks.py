"""The sender of `live` as a process of its own: `python -m tests.bench.webhooks RATE SECONDS`.

It prints the address of its provider API, reads the service's address, sends for so long, and prints what it saw.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from server.simulators.stripe.peer import StripePeer
from server.simulators.stripe.script import play
from server.simulators.stripe.state import StripeState
from server.simulators.stripe.tally import Tally
from server.simulators.stripe.traffic import Traffic
from server.simulators.stripe.variety import Variety

SECRET, KEY = "whsec_bench", "rk_test_bench"
SAMPLE = 2_000


def notices_per_gift(seed: str) -> float:
    """How many notices the gifts of this seed lead to, each."""
    variety = Variety(seed)
    return sum(len(play(variety, variety.gift(), 1_760_000_000).deliveries) for _ in range(SAMPLE)) / SAMPLE


async def main(rate: float, seconds: float) -> None:
    """Send `rate` notices a second for so long, whatever the service answers."""
    state, tally = StripeState(), Tally()
    peer = StripePeer(state, KEY)
    sys.stdout.write(f"{await peer.start()}\n")
    sys.stdout.flush()
    address = (await asyncio.to_thread(sys.stdin.readline)).strip()
    answers: list[tuple[float, int]] = []
    gifts = rate / notices_per_gift("bench")
    traffic = Traffic(
        gifts,
        "bench",
        f"{address}/api/v1/webhooks/stripe",
        SECRET,
        state=state,
        tally=tally,
        on_answer=lambda took, status: answers.append((took, status)),
    )
    began = time.time()
    await traffic.run(gifts_max=int(gifts * seconds))
    report = {
        "began": began,
        "ended": time.time(),
        "took_s": [took for took, _ in answers],
        "bad": sum(status >= 300 for _, status in answers),
        "distinct": tally.notices - tally.duplicates,
        "lost": tally.lost,
        "held_back": tally.held_back,
        "received": {f"{fund} {currency}": amount for (fund, currency), amount in tally.received_minor.items()},
    }
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)  # the provider is asked for fees until the inbox is empty
    await peer.stop()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), float(sys.argv[2])))
