"""The demo: a Stripe of our own gives simulated gifts to the real webhook, and answers the real SDK's questions."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.simulators.stripe.peer import StripePeer
from server.simulators.stripe.state import StripeState
from server.simulators.stripe.traffic import Traffic

if TYPE_CHECKING:
    from server.settings import Settings

RATE_DEFAULT = 1.0


@dataclass(frozen=True, slots=True)
class Demo:
    """A running peer. `settings` are the service's, pointed at it."""

    settings: Settings
    secret: str
    state: StripeState
    peer: StripePeer

    @classmethod
    async def open(cls, settings: Settings) -> Demo:
        """Start the peer and point the settings at it: keys of its own, made for this run."""
        secret, key = f"whsec_{secrets.token_hex(16)}", f"rk_test_{secrets.token_hex(16)}"
        state = StripeState()
        peer = StripePeer(state, key)
        base = await peer.start()
        pointed = settings.model_copy(
            update={"stripe_webhook_secrets": (secret,), "stripe_api_key": key, "stripe_api_base": base}
        )
        return cls(pointed, secret, state, peer)

    async def give(self, address: str) -> None:
        """Send gifts to the service at `address` until cancelled."""
        rate = self.settings.demo_rate or RATE_DEFAULT
        traffic = Traffic(
            rate, secrets.token_hex(8), f"{address}/api/v1/webhooks/stripe", self.secret, state=self.state
        )
        await traffic.run()
