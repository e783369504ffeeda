"""What the books should say, kept by hand in small."""

from __future__ import annotations

from dataclasses import replace

from server.simulators.stripe.tally import Tally
from server.simulators.stripe.variety import Gift, Variety, settle


def gift(amount: int, currency: str = "usd", **metadata: str) -> Gift:
    made = Variety(1).gift()
    return replace(
        made, amount=amount, currency=currency, metadata=metadata, settlement=settle(amount, currency, made.card)
    )


def test_gifts_are_summed_per_fund_and_fees_per_fund_that_bears_them() -> None:
    tally = Tally()
    covered, plain = gift(10330, fund="rent", cover_fees="true"), gift(5000, fund="rent")
    for made in (covered, plain, gift(2000)):
        tally.add(made)
    assert tally.gifts == 3
    assert tally.received_minor == {("rent", "usd"): 15330, ("general", "usd"): 2000}
    assert tally.fees_minor["rent", "usd"] == covered.settlement.fee
    assert tally.fees_minor["general", "usd"] == plain.settlement.fee + gift(2000).settlement.fee


def test_a_fund_that_we_do_not_have_is_suspense_and_its_fee_is_borne_by_general() -> None:
    tally = Tally()
    coats = gift(3000, fund="winter coats", cover_fees="true")
    tally.add(coats)
    assert tally.suspended_minor == {"usd": 3000}
    assert not tally.received_minor
    assert tally.fees_minor == {("general", "usd"): coats.settlement.fee}


def test_a_currency_that_is_not_held_is_counted_and_not_summed() -> None:
    tally = Tally()
    tally.add(gift(500, currency="jpy"))
    assert tally.not_held == {"jpy": 1}
    assert not tally.received_minor
    assert not tally.fees_minor
