"""The rules that books has declared, read again only for what is not known."""

from __future__ import annotations

from server.domains.giving.commands import ReceiveGift
from tests.server.payments.world import World


def ask(fund: str | None = "rent", asset: str = "USD/2") -> ReceiveGift:
    return ReceiveGift(100, asset, fund, cover_fees=False, visibility="live", occurred_at_s=1)


async def test_funds_and_assets_are_those_of_the_log(world: World) -> None:
    rules = await world.rules.for_gift(ask())
    assert rules.funds == {
        "general": "unrestricted",
        "rent": "restricted",
        "transport": "restricted",
        "tech": "restricted",
    }
    assert rules.assets == {"JPY", "KWD/3", "USD/2"}
    assert str(rules.time_zone) == "America/Los_Angeles"


async def test_what_is_known_is_not_read_again_and_what_is_not_known_is(world: World) -> None:
    first = await world.rules.for_gift(ask())
    assert await world.rules.for_gift(ask(None)) is first
    assert await world.rules.for_gift(ask("tech", "JPY")) is first
    assert await world.rules.for_gift(ask("coats")) is not first
