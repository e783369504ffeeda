"""What a gift leads to: the disorder of real deliveries, and nothing that the provider could not know yet."""

from __future__ import annotations

from collections import Counter

from server.simulators.stripe.script import play
from server.simulators.stripe.variety import Variety

NOW_S = 1_764_000_000


def test_deliveries_come_swapped_late_and_twice() -> None:
    variety = Variety(3)
    scenes = [play(variety, variety.gift(), NOW_S) for _ in range(500)]
    first_paying = Counter(
        next(delivery.event["type"] for delivery in scene.deliveries if delivery.event["id"] in scene.pays)
        for scene in scenes
    )
    assert first_paying["charge.succeeded"] > 100
    assert first_paying["payment_intent.succeeded"] > 100
    assert any(delivery.delay_s > 1.0 for scene in scenes for delivery in scene.deliveries)
    assert any(delivery.duplicate for scene in scenes for delivery in scene.deliveries)
    types = {delivery.event["type"] for scene in scenes for delivery in scene.deliveries}
    assert types >= {
        "payment_intent.created",
        "payment_intent.succeeded",
        "charge.succeeded",
        "charge.updated",
        "payout.created",
    }
    assert all(scene.pays for scene in scenes)


def test_a_late_movement_is_revealed_by_the_update_and_by_nothing_before() -> None:
    variety = Variety(5)
    scene = next(
        scene for scene in (play(variety, variety.gift(), NOW_S) for _ in range(50)) if scene.gift.settled_late
    )
    known = next(thing for thing in scene.things if thing["object"] == "charge")
    update = next(delivery for delivery in scene.deliveries if delivery.event["type"] == "charge.updated")
    assert known["balance_transaction"] is None
    assert update.reveals is not None
    assert update.reveals["balance_transaction"] == scene.gift.ids.balance_transaction
    assert update.event["data"]["previous_attributes"] == {"balance_transaction": None}
