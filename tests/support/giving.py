"""A sender who keeps his own tally: signed webhooks in all their disorder, and what the books have to say of them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from server.payments.currencies import asset_of
from server.payments.signature import sign
from server.simulators.stripe import tally as sender
from server.simulators.stripe.peer import StripePeer
from server.simulators.stripe.state import StripeState
from server.simulators.stripe.traffic import Traffic, TrafficLimits
from server.simulators.stripe.variety import HOME_CURRENCY, Gift
from tests.support.audit import read_books
from tests.support.service import POLL_S, Service

SECRET = "whsec_giving"
KEY = "rk_test_giving"
HELD = frozenset({"usd", "eur", "gbp", "jpy", "kwd"})  # `cad` is sent too, and the books hold no account for it
PATIENCE = TrafficLimits(attempts_max=60, timeout_s=8.0)
DELAY_FACTOR = 0.2
SETTLED_TIMEOUT_S = 120.0


@dataclass(slots=True)
class Tally(sender.Tally):
    """What the sender was told is kept. The fee of a gift in a foreign currency stays open: it is kept in dollars."""

    held: frozenset[str] = HELD
    fees_booked_minor: int = 0
    fees_open: int = 0

    def add(self, gift: Gift) -> None:
        """Count a gift that the service has acknowledged."""
        sender.Tally.add(self, gift)
        if gift.currency == HOME_CURRENCY:
            self.fees_booked_minor += gift.settlement.fee
        elif gift.currency in self.held:
            self.fees_open += 1


@dataclass(frozen=True, slots=True)
class Giving:
    """A provider that answers, and senders in his name. `environment` points a service at him."""

    environment: dict[str, str]
    tally: Tally
    state: StripeState = field(default_factory=StripeState)

    async def give(self, running: Service, gifts: int, *, rate: float, seed: str) -> None:
        """Give so many gifts, and return when each of their notices is acknowledged."""
        traffic = Traffic(
            rate,
            seed,
            f"{running.address}/api/v1/webhooks/stripe",
            SECRET,
            state=self.state,
            tally=self.tally,
            limits=PATIENCE,
            delay_factor=DELAY_FACTOR,
        )
        await traffic.run(gifts_max=gifts)

    async def probe(self, running: Service) -> tuple[int, str | None]:
        """Send one new notice that moves no money, once; (status, Retry-After). Acknowledged, it is counted."""
        name = f"evt_probe{secrets.token_hex(8)}"
        body = orjson.dumps({"id": name, "object": "event", "type": "payment_intent.created", "livemode": False})
        headers = {"Stripe-Signature": sign(body, SECRET, int(time.time()))}
        url = f"{running.address}/api/v1/webhooks/stripe"
        async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
            self.tally.notices += answer.status == 200
            return answer.status, answer.headers.get("Retry-After")

    async def settled(self, running: Service, admin_url: str) -> None:
        """Wait until nothing waits: every notice worked, every entry passed on, every log signed to its end."""
        deadline = time.monotonic() + SETTLED_TIMEOUT_S
        while True:
            status = await asyncio.to_thread(running.json, "/status")
            if self._is_settled(status):
                books = await read_books(admin_url)
                if books.signed == books.sizes:
                    return
            assert time.monotonic() < deadline, f"not settled within {SETTLED_TIMEOUT_S} s: {status}"
            await asyncio.sleep(POLL_S)

    def _is_settled(self, status: dict[str, Any]) -> bool:
        if not status["ready"] or status["unknown"] or "new" in status["inbox"]:
            return False
        is_behind = any(row["lag"] for row in status["projections"].values())
        return not is_behind and status["fees_pending"]["count"] == self.tally.fees_open

    async def hold(self, admin_url: str) -> None:
        """Each acknowledged event is booked once, to the cent per fund; a gift that need not wait is published once."""
        tally, books = self.tally, await read_books(admin_url)
        assert tally.lost == 0
        received = {(fund, asset_of(currency)): amount for (fund, currency), amount in tally.received_minor.items()}
        assert dict(books.received_minor) == received
        suspended = {asset_of(currency): amount for currency, amount in tally.suspended_minor.items()}
        assert dict(books.suspended_minor) == suspended
        assert books.gifts == tally.gifts - tally.not_held.total()
        assert books.fees_minor == tally.fees_booked_minor
        assert books.published == books.due
        assert books.inbox.total() == tally.notices - tally.duplicates
        assert set(books.inbox) <= {"done", "ignored", "unhandled"}, books.inbox


@contextlib.asynccontextmanager
async def giving(tally: Tally | None = None) -> AsyncIterator[Giving]:
    """A provider that answers for the length of the block."""
    state = StripeState()
    peer = StripePeer(state, KEY)
    environment = {
        "STRIPE_WEBHOOK_SECRETS": SECRET,
        "STRIPE_API_KEY": KEY,
        "STRIPE_API_BASE": await peer.start(),
        "SECONDWIND_ASSETS": ",".join(sorted(asset_of(currency) for currency in HELD)),
    }
    try:
        yield Giving(environment, Tally() if tally is None else tally, state)
    finally:
        await peer.stop()
