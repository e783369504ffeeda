"""Gifts in an open loop: so many a second whatever the service answers, each with the notices that it leads to."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import orjson

from server.payments.signature import sign
from server.simulators.stripe.script import Delivery, Scene, play
from server.simulators.stripe.state import StripeState
from server.simulators.stripe.tally import Tally
from server.simulators.stripe.variety import Variety

USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
_STATUS_OK = range(200, 300)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrafficLimits:
    """How much is under way at once, and how stubbornly a notice is sent again."""

    deliveries_max: int = 4000
    connections_max: int = 64
    attempts_max: int = 12
    retry_first_s: float = 0.2
    retry_longest_s: float = 10.0
    timeout_s: float = 10.0
    behind_s_max: float = 1.0


class Traffic:
    """Makes up `rate` gifts a second and sends their signed notices to `webhook_url`; `tally` says what was sent.

    A gift whose notices would exceed `deliveries_max` is held back, and so is one that is due more than `behind_s_max`
    ago: the loop is open but bounded, and `tally.held_back` says how often it had to be.
    """

    def __init__(  # noqa: PLR0913 - what a demo sets, and what a test replaces
        self,
        rate: float,
        seed: int | str,
        webhook_url: str,
        secret: str,
        *,
        state: StripeState | None = None,
        tally: Tally | None = None,
        limits: TrafficLimits | None = None,
        clock: Callable[[], float] = time.time,
        delay_factor: float = 1.0,
        on_answer: Callable[[float, int], None] = lambda _seconds, _status: None,
    ) -> None:
        """`delay_factor` shortens every delay between notices, so that a test need not wait for the late ones.

        `on_answer` is told of every answer how long it took and its status, for those who measure.
        """
        self.state = StripeState() if state is None else state
        self.tally = Tally() if tally is None else tally
        self._rate = rate
        self._variety = Variety(seed)
        self._url = webhook_url
        self._secret = secret
        self._limits = limits or TrafficLimits()
        self._clock = clock
        self._delay_factor = delay_factor
        self._on_answer = on_answer
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, gifts_max: int | None = None) -> None:
        """Send until `gifts_max` gifts are given and all their notices acknowledged or lost, or until cancelled."""
        if self._rate <= 0:
            return
        timeout = aiohttp.ClientTimeout(total=self._limits.timeout_s)
        connector = aiohttp.TCPConnector(limit=self._limits.connections_max)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            try:
                await self._give(session, gifts_max)
                await self._settle()
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _give(self, session: aiohttp.ClientSession, gifts_max: int | None) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        given = 0
        while gifts_max is None or given < gifts_max:
            await asyncio.sleep(max(0.0, due - loop.time()))
            if loop.time() - due > self._limits.behind_s_max:
                self.tally.held_back += 1
                due = loop.time()
            while len(self._tasks) >= self._limits.deliveries_max:
                self.tally.held_back += 1
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            self._start(session, play(self._variety, self._variety.gift(), int(self._clock())))
            given += 1
            due += 1 / self._rate

    def _start(self, session: aiohttp.ClientSession, scene: Scene) -> None:
        for thing in scene.things:
            self.state.put(thing)
        acknowledged = asyncio.Event()
        for delivery in scene.deliveries:
            task = asyncio.create_task(self._deliver(session, scene, delivery, acknowledged))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _settle(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _deliver(
        self, session: aiohttp.ClientSession, scene: Scene, delivery: Delivery, acknowledged: asyncio.Event
    ) -> None:
        await asyncio.sleep(delivery.delay_s * self._delay_factor)
        if delivery.reveals is not None:
            self.state.put(delivery.reveals)
        self.tally.notices += 1
        self.tally.duplicates += delivery.duplicate
        self.tally.by_type[delivery.event["type"]] += 1
        body = orjson.dumps(delivery.event, option=orjson.OPT_INDENT_2)
        for attempt in range(self._limits.attempts_max):
            if attempt:
                self.tally.retries += 1
                pause_s = self._limits.retry_first_s * 2 ** (attempt - 1)
                await asyncio.sleep(min(self._limits.retry_longest_s, pause_s) * self._delay_factor)
            if await self._post(session, body):
                # The gift counts once, at the first of its paying notices that the service has acknowledged.
                if delivery.event["id"] in scene.pays and not acknowledged.is_set():
                    acknowledged.set()
                    self.tally.add(scene.gift)
                return
        self.tally.lost += 1
        _log.warning("a notice of type %s was never acknowledged", delivery.event["type"])

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> bool:
        """Send once, signed as of now; return whether it was acknowledged."""
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(body, self._secret, int(self._clock())),
            "User-Agent": USER_AGENT,
        }
        began = time.perf_counter()
        try:
            async with session.post(self._url, data=body, headers=headers) as response:
                await response.read()
                self._on_answer(time.perf_counter() - began, response.status)
                return response.status in _STATUS_OK
        except (aiohttp.ClientError, TimeoutError):
            return False
