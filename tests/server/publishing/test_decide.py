"""What is told of an entry of `books` at once, what waits, and what is never told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.types import Entry, Posting
from server.publishing.decide import NotPublished, Publication, Waiting, decide
from server.publishing.policy import FeeFormula, Policy

POLICY = Policy({"USD/2": FeeFormula(290, 30)})


def gift(amount: int = 10_330, *, fund: str = "rent", asset: str = "USD/2", **data: object) -> Entry:
    income = "income:gifts:unrestricted" if fund == "general" else "income:gifts:restricted"
    return Entry(
        log="example.org/books",
        position=7,
        prev=bytes(32),
        at_us=0,
        period="2026-09",
        type="giving.gift.received.v1",
        data={"via": "processor", "visibility": "live", "fee_borne_by": "giver", "effective_on": "2026-09-01", **data},
        postings=(Posting("assets:stripe:pending", asset, fund, amount), Posting(income, asset, fund, -amount)),
    )


def lines(decision: object) -> dict[tuple[str, str], int]:
    assert isinstance(decision, Publication)
    return {(p.account, p.fund): p.amount for p in decision.postings}


def test_a_gift_with_covered_fees_is_published_as_the_worked_example_says() -> None:
    assert lines(decide(gift(), POLICY)) == {
        ("assets:cash", "rent"): 10_330,
        ("income:gifts", "rent"): -10_330,
        ("expenses:processing", "rent"): 330,
        ("liabilities:accrued_fees", "rent"): -330,
    }


def test_a_fee_that_the_charity_bears_stands_in_the_general_fund() -> None:
    published = lines(decide(gift(fee_borne_by="charity"), POLICY))
    assert published[("expenses:processing", "general")] == 330
    assert ("expenses:processing", "rent") not in published


def test_a_gift_that_came_by_bank_accrues_no_processor_fee() -> None:
    assert set(lines(decide(gift(via="bank"), POLICY))) == {("assets:cash", "rent"), ("income:gifts", "rent")}


def test_an_asset_without_a_formula_accrues_no_fee() -> None:
    assert set(lines(decide(gift(asset="JPY/0"), POLICY))) == {("assets:cash", "rent"), ("income:gifts", "rent")}


@pytest.mark.parametrize("visibility", ["quiet", "hidden"])
def test_a_gift_whose_giver_chose_otherwise_waits(visibility: str) -> None:
    assert decide(gift(visibility=visibility), POLICY) == Waiting(visibility)  # type: ignore[arg-type]  # the parameter is one of the two


def test_what_concerns_nobody_outside_is_never_told() -> None:
    for name in ("giving.gift.suspended.v1", "giving.gift.settled.v1", "ledger.account.declared.v1"):
        assert decide(replace(gift(), type=name), POLICY) == NotPublished()


def test_only_how_the_gift_came_is_told_beside_the_money() -> None:
    decision = decide(gift(), POLICY)
    assert isinstance(decision, Publication)
    assert decision.data == {"via": "processor"}


@given(st.integers(1, 10**15), st.sampled_from(["general", "rent"]), st.sampled_from(["giver", "charity"]))
def test_every_publication_sums_to_zero_per_fund_and_never_takes_more_than_the_gift(
    amount: int, fund: str, bearer: str
) -> None:
    decision = decide(gift(amount, fund=fund, fee_borne_by=bearer), POLICY)
    assert isinstance(decision, Publication)
    for name in {p.fund for p in decision.postings}:
        assert sum(p.amount for p in decision.postings if p.fund == name) == 0
    fee = sum(p.amount for p in decision.postings if p.account == "expenses:processing")
    assert 0 <= fee <= amount
