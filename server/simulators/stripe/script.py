"""Which notices a gift leads to, in which order they arrive and how often: the disorder of real deliveries. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from server.simulators.stripe import shapes
from server.simulators.stripe.shapes import Object, Payment
from server.simulators.stripe.variety import HOME_CURRENCY, Gift, Variety

CREATED_SHARE = 0.2
SWAPPED_SHARE = 0.3
LATE_SHARE = 0.03
DUPLICATE_SHARE = 0.06
PAYOUT_SHARE = 0.005
NEXT_S = 0.05
LATE_S = (1.0, 5.0)
SETTLED_LATE_S = (0.3, 1.5)
DUPLICATE_S = 2.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice to send `delay_s` after the gift. `reveals`: a thing that the provider knows from then on."""

    event: Object
    delay_s: float
    reveals: Object | None = None
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """One gift: what the provider knows at once, and what it sends. `pays` are the notices that each book the gift."""

    gift: Gift
    things: tuple[Object, ...]
    deliveries: tuple[Delivery, ...]
    pays: frozenset[str]


def play(variety: Variety, gift: Gift, now_s: int) -> Scene:
    """Return what happens around `gift`, given at `now_s` (seconds since 1970)."""
    director = _Director(variety, gift, now_s)
    return director.scene()


class _Director:
    def __init__(self, variety: Variety, gift: Gift, now_s: int) -> None:
        self._variety = variety
        self._gift = gift
        self._now_s = now_s

    def scene(self) -> Scene:
        gift = self._gift
        payment = Payment(gift.ids, gift.amount, gift.currency, gift.metadata, gift.person, gift.card, self._now_s)
        settled = shapes.charge(payment, settled=True)
        charge = shapes.charge(payment, settled=False) if gift.settled_late else settled
        movement = shapes.balance_transaction(gift.ids, gift.settlement, self._now_s)
        intent_first = not self._variety.chance(SWAPPED_SHARE)
        deliveries = [self._send("charge.succeeded", charge, NEXT_S if intent_first else 0.0)]
        things = [charge, movement]
        if gift.ids.payment_intent is not None:
            intent = shapes.payment_intent(payment, succeeded=True)
            things.append(intent)
            deliveries.append(self._send("payment_intent.succeeded", intent, 0.0 if intent_first else NEXT_S))
            if self._variety.chance(CREATED_SHARE):
                deliveries.append(
                    self._send("payment_intent.created", shapes.payment_intent(payment, succeeded=False), 0.0)
                )
        pays = frozenset(
            delivery.event["id"] for delivery in deliveries if delivery.event["type"].endswith(".succeeded")
        )
        if gift.settled_late:
            delay_s = self._variety.random.uniform(*SETTLED_LATE_S)
            deliveries.append(self._send("charge.updated", settled, delay_s, {"balance_transaction": None}))
        if self._variety.chance(PAYOUT_SHARE):
            deliveries.append(self._payout())
        disordered = [disordered for delivery in deliveries for disordered in self._disorder(delivery)]
        return Scene(gift, tuple(things), tuple(sorted(disordered, key=lambda delivery: delivery.delay_s)), pays)

    def _disorder(self, delivery: Delivery) -> list[Delivery]:
        """Some notices come late, and some come twice."""
        random = self._variety.random
        if self._variety.chance(LATE_SHARE):
            late_s = delivery.delay_s + random.uniform(*LATE_S)
            delivery = Delivery(delivery.event, late_s, delivery.reveals)
        if not self._variety.chance(DUPLICATE_SHARE):
            return [delivery]
        again_s = delivery.delay_s + random.uniform(0.0, DUPLICATE_S)
        return [delivery, Delivery(delivery.event, again_s, delivery.reveals, duplicate=True)]

    def _send(self, event_type: str, thing: Object, delay_s: float, previous: Object | None = None) -> Delivery:
        event = shapes.event(self._variety.id("evt"), event_type, thing, self._now_s, previous)
        return Delivery(event, delay_s, thing if previous is not None else None)

    def _payout(self) -> Delivery:
        thing = shapes.payout(self._variety.id("po"), self._variety.id("txn"), 50_000, HOME_CURRENCY, self._now_s)
        return self._send("payout.created", thing, 0.0)
