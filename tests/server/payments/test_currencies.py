"""Currency codes as assets: how small the provider's smallest unit is."""

from __future__ import annotations

import pytest

from ledger import money
from server.payments.currencies import THREE_DECIMAL, ZERO_DECIMAL, asset_of


@pytest.mark.parametrize(
    ("currency", "asset"),
    [
        ("usd", "USD/2"),
        ("eur", "EUR/2"),
        ("jpy", "JPY"),
        ("krw", "KRW"),
        ("kwd", "KWD/3"),
        ("tnd", "TND/3"),
        ("isk", "ISK/2"),
        ("ugx", "UGX/2"),
    ],
)
def test_the_asset_says_how_small_the_unit_is(currency: str, asset: str) -> None:
    assert asset_of(currency) == asset


@pytest.mark.parametrize("code", sorted(ZERO_DECIMAL | THREE_DECIMAL | {"USD"}))
def test_every_asset_is_one_that_the_ledger_can_hold(code: str) -> None:
    assert money.precision(asset_of(code.lower())) == (0 if code in ZERO_DECIMAL else 3 if code in THREE_DECIMAL else 2)


@pytest.mark.parametrize("currency", ["", "us", "USD", "usdc", "us1", "usd\n", "€€€"])
def test_anything_but_three_small_letters_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="currency code"):
        asset_of(currency)
