"""The demo's gifts: varied, repeatable and plausible."""

from __future__ import annotations

from collections import Counter

import pytest

from server.simulators.stripe.shapes import Card
from server.simulators.stripe.variety import KNOWN_FUNDS, Gift, Variety, settle

VISA = Card("visa", "US", "credit", "4242")


@pytest.fixture(scope="module")
def gifts() -> list[Gift]:
    variety = Variety(7)
    return [variety.gift() for _ in range(3000)]


def test_the_same_seed_gives_the_same_gifts_and_another_gives_others(gifts: list[Gift]) -> None:
    again, other = Variety(7), Variety(8)
    assert [again.gift() for _ in range(50)] == gifts[:50]
    assert [other.gift() for _ in range(50)] != gifts[:50]


def test_everything_that_real_life_brings_is_there(gifts: list[Gift]) -> None:
    funds = Counter(gift.fund for gift in gifts)
    assert set(KNOWN_FUNDS) < set(funds)
    assert sum(count for fund, count in funds.items() if fund not in KNOWN_FUNDS) < 60
    assert {"eur", "jpy", "kwd"} < {gift.currency for gift in gifts}
    assert Counter(gift.currency for gift in gifts)["usd"] > 2700
    assert {gift.metadata.get("visibility") for gift in gifts} == {None, "live", "quiet", "hidden"}
    assert 0.3 < sum(gift.covers_fees for gift in gifts) / len(gifts) < 0.5
    assert any(gift.ids.payment_intent is None for gift in gifts)
    assert any(gift.settled_late for gift in gifts)


def test_amounts_cluster_where_people_like_them(gifts: list[Gift]) -> None:
    plain = Counter(gift.amount for gift in gifts if gift.currency == "usd" and not gift.covers_fees)
    assert {amount for amount, _ in plain.most_common(4)} <= {1000, 2000, 2500, 5000, 10000}
    assert min(gift.amount for gift in gifts) > 0


def test_a_covered_fee_leaves_what_was_meant() -> None:
    assert settle(10330, "usd", VISA).fee == 330


def test_a_foreign_gift_settles_in_the_accounts_own_currency(gifts: list[Gift]) -> None:
    foreign = [gift for gift in gifts if gift.currency != "usd"]
    assert {gift.settlement.currency for gift in foreign} == {"usd"}
    assert all(gift.settlement.exchange_rate for gift in foreign)
    assert all(gift.settlement.fee <= gift.settlement.amount for gift in gifts)


def test_ids_are_not_given_twice(gifts: list[Gift]) -> None:
    assert len({gift.ids.charge for gift in gifts}) == len(gifts)
