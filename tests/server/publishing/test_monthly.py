"""What a month's pass tells: every sum keeps its company, its money and its silence (attacks B3, B5, B11, X11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.types import Entry, Posting
from server.publishing import monthly
from server.publishing.monthly import Fact, Told
from server.publishing.people import by_person, may_be_told
from server.publishing.policy import Changes, FeeFormula, Policy

POLICY = Policy({"USD/2": FeeFormula(290, 30)})
POLICIES = Changes((("2026-01", POLICY),))
MONTH = "2026-09"
_POSITIONS = count()


def entry(name: str, debit: str, credit: str, amount: int, fund: str = "rent", **data: Any) -> Entry:
    position = next(_POSITIONS)
    lines = (Posting(debit, "USD/2", fund, amount), Posting(credit, "USD/2", fund, -amount))
    period = data.pop("period", MONTH)
    return Entry("b", position, bytes(32), 0, period, name, data, lines, position.to_bytes(32, "big"))


def gift(amount: int = 5_000, fund: str = "rent", visibility: str = "live", **data: Any) -> Entry:
    given = {"via": "processor", "visibility": visibility, "fee_borne_by": "giver", **data}
    return entry("giving.gift.received.v1", "assets:stripe:pending", "income:gifts:restricted", amount, fund, **given)


def fee_of(of: Entry, who: str | None, amount: int = 175, *, waits: bool = False) -> Fact:
    fund = of.postings[0].fund if of.data["fee_borne_by"] == "giver" else "general"
    booked = entry("giving.fee.recorded.v1", "expenses:fees:processing", "assets:stripe:pending", amount, fund)
    return Fact(booked, who, of, gift_waits=waits)


def reversal(of: Entry, who: str | None, amount: int, outcome: str | None = None) -> Fact:
    data = {"outcome": outcome} if outcome else {}
    name = "giving.dispute.recorded.v1" if outcome else "giving.refund.recorded.v1"
    booked = entry(name, "income:gifts_returned", "assets:stripe:available", amount, of.postings[0].fund, **data)
    return Fact(booked, who, of)


def help_for(who: str, amount: int = 100, category: str = "rent", vendor: str | None = None) -> Fact:
    booked = entry("giving.help.paid.v1", f"expenses:help:{category}", "assets:float:help", amount)
    return Fact(booked, who, vendor=vendor or f"vendor {booked.position % 3}")


def returned(paid: Fact) -> Fact:
    account = next(p.account for p in paid.entry.postings if p.account.startswith("expenses:"))
    amount = next(p.amount for p in paid.entry.postings if p.account == account)
    booked = entry("giving.help.returned.v1", "assets:float:help", account, amount)
    return Fact(booked, paid.who, paid.entry, vendor=paid.vendor)


def sums(told: Told) -> dict[tuple[str, str], int]:
    found: Counter[tuple[str, str]] = Counter()
    for p in told.publication.postings:
        found[p.account, p.fund] += p.amount
    return {place: amount for place, amount in found.items() if amount}


def people(number: int) -> list[str]:
    return [f"person {n}" for n in range(number)]


@pytest.mark.parametrize(("number", "told"), [(4, 0), (5, 0), (10, 0), (11, 1)])
def test_help_to_eleven_people_is_told_and_to_fewer_waits(number: int, told: int) -> None:
    found = monthly.help_to_people([help_for(who) for who in people(number)], POLICY, MONTH)
    assert len(found) == told


@pytest.mark.parametrize(("number", "told"), [(4, 0), (5, 1)])
def test_five_givers_are_company_for_fees_hidden_gifts_and_reversals(number: int, told: int) -> None:
    gifts = [(gift(), who) for who in people(number)]
    assert len(monthly.fees([fee_of(g, who, 900) for g, who in gifts], POLICIES, {}, MONTH)[0]) == told
    assert len(monthly.reversals([reversal(g, who, 100) for g, who in gifts], POLICY, {}, MONTH)) == told
    concealed = [Fact(gift(visibility="hidden", via="bank"), who) for who in people(number)]
    assert len(monthly.hidden(concealed, [], POLICY, {}, MONTH)[0]) == told


def test_one_person_with_most_of_the_help_waits_and_the_others_are_told() -> None:
    """Attacks B5: the largest has half at most."""
    large = help_for("large", 1_101)
    [told] = monthly.help_to_people([large, *(help_for(who) for who in people(11))], POLICY, MONTH)
    assert large.entry.position not in told.positions
    assert sums(told) == {("expenses:help:rent", "rent"): 1_100, ("liabilities:vendors", "rent"): -1_100}


def test_eleven_payments_for_one_person_are_no_company() -> None:
    assert monthly.help_to_people([help_for("one") for _ in range(11)], POLICY, MONTH) == []


def test_one_vendor_of_all_is_no_company() -> None:
    """Attacks B5, B7: eleven rents to one landlord are his address."""
    assert monthly.help_to_people([help_for(who, vendor="one") for who in people(11)], POLICY, MONTH) == []


def test_categories_that_are_too_small_go_together_and_what_is_still_too_small_waits() -> None:
    rents = [help_for(who) for who in people(11)]
    rides = [help_for(who, category="transport") for who in people(11)[:6]]
    phones = [help_for(who, category="tech") for who in people(11)[5:]]
    both = monthly.help_to_people([*rents, *rides, *phones], POLICY, MONTH)
    assert [sorted(sums(told)) for told in both] == [
        [("expenses:help:mixed", "rent"), ("liabilities:vendors", "rent")],
        [("expenses:help:rent", "rent"), ("liabilities:vendors", "rent")],
    ]
    alone = monthly.help_to_people([*rents, *rides], POLICY, MONTH)
    assert [told.positions for told in alone] == [tuple(fact.entry.position for fact in rents)]


def test_help_that_came_back_is_netted_in_the_sum() -> None:
    """Attacks B6: a bounced line is never told alone."""
    paid = [help_for(who) for who in people(12)]
    [told] = monthly.help_to_people([*paid, returned(paid[3])], POLICY, MONTH)
    assert sums(told)["expenses:help:rent", "rent"] == 1_100


def test_fees_settle_what_was_accrued_and_tell_what_they_were_in_whole_steps() -> None:
    """Attacks C4: accrued S, actual X."""
    facts = [fee_of(gift(40_000), who, 1_490) for who in people(5)]
    [told], owed = monthly.fees(facts, POLICIES, {}, MONTH)
    assert sums(told) == {
        ("liabilities:accrued_fees", "rent"): 6_000,
        ("assets:cash", "rent"): -7_000,
        ("expenses:processing", "rent"): 1_000,
    }
    assert owed == {("assets:cash", "rent", "USD/2"): 450, ("expenses:processing", "rent", "USD/2"): 500}


def test_fees_of_less_than_a_step_wait() -> None:
    """Attacks X7: a few fees to the cent tell the kinds of their cards."""
    facts = [fee_of(gift(), who, 150) for who in people(5)]
    assert monthly.fees(facts, POLICIES, {}, MONTH) == ([], {})


def test_fees_of_gifts_that_are_not_told_wait_with_them() -> None:
    waiting = [fee_of(gift(), who, waits=True) for who in people(9)]
    concealed = [fee_of(gift(visibility="hidden"), who) for who in people(9)]
    assert monthly.fees([*waiting, *concealed], POLICIES, {}, MONTH) == ([], {})


def test_a_hidden_total_looks_the_same_for_more_gifts_or_fewer_within_a_step_of_fees() -> None:
    """Attacks X11: the total counts nothing, and its fee no closer than thirty gifts of 30 cents each."""
    faces = set()
    for number in (5, 6, 8):
        gifts = [gift(60_000 // number, visibility="hidden") for _ in range(number)]
        fees = [fee_of(one, None, 30 + 29 * 60 // number) for one in gifts]
        facts = [Fact(one, who) for one, who in zip(gifts, people(number), strict=True)]
        [told], _ = monthly.hidden(facts, fees, POLICY, {}, MONTH)
        faces.add((tuple(sorted(sums(told).items())), tuple(told.publication.data.items())))
        assert sorted(told.positions) == sorted(f.entry.position for f in (*facts, *fees))
    assert len(faces) == 1


def test_a_hidden_gift_waits_until_its_fee_is_known_and_no_longer_than_a_month() -> None:
    fresh = [Fact(gift(visibility="hidden"), who) for who in people(5)]
    assert monthly.hidden(fresh, [], POLICY, {}, MONTH) == ([], {})
    old = [Fact(gift(visibility="hidden", period="2026-08"), who) for who in people(5)]
    assert len(monthly.hidden(old, [], POLICY, {}, MONTH)[0]) == 1


def test_a_fee_that_comes_after_its_hidden_gift_was_told_goes_with_the_next_ones() -> None:
    late = fee_of(gift(visibility="hidden"), None, 900)
    facts = [Fact(gift(visibility="hidden", via="bank"), who) for who in people(5)]
    [told], owed = monthly.hidden(facts, [late], POLICY, {}, MONTH)
    assert sums(told)["expenses:processing", "rent"] == 1_000
    assert late.entry.position in told.positions
    assert owed == {("expenses:processing", "rent", "USD/2"): -100}


def test_a_fund_that_cannot_pay_its_refunds_owes_them_to_general() -> None:
    """Attacks C2."""
    facts = [reversal(gift(), who, 100) for who in people(5)]
    [told] = monthly.reversals(facts, POLICY, {("rent", "USD/2"): 200}, MONTH)
    assert sums(told) == {
        ("income:gifts_returned", "rent"): 500,
        ("assets:cash", "rent"): -200,
        ("liabilities:due_to_general", "rent"): -300,
        ("assets:due_from_funds", "general"): 300,
        ("assets:float:reversals", "general"): -300,
    }


def test_refunds_and_disputes_are_one_sum_and_gifts_that_are_not_told_are_not_in_it() -> None:
    kinds = [None, "opened", "won", "lost", None]
    facts = [reversal(gift(), who, 100, kind) for who, kind in zip(people(5), kinds, strict=True)]
    unknown = Fact(facts[0].entry, "z", gift(), gift_waits=True)
    [told] = monthly.reversals([*facts, unknown], POLICY, {("rent", "USD/2"): 10_000}, MONTH)
    assert sums(told) == {
        ("income:gifts_returned", "rent"): 300,
        ("assets:cash", "rent"): -200,
        ("assets:disputed", "rent"): -100,
    }


WHO = st.sampled_from([*people(16), None])
FUNDS = st.sampled_from(["general", "rent", "tech"])
FEES = st.lists(st.tuples(WHO, st.integers(1, 90_000), FUNDS, st.integers(0, 2_000), st.booleans()), max_size=60)
HELP = st.lists(
    st.tuples(st.sampled_from(people(16)), st.integers(1, 900), st.sampled_from(["rent", "tech", "transport"])),
    max_size=80,
)


def check(told: Sequence[Told], facts: Sequence[Fact], least: int) -> None:
    """Every sum has its company, is zero per fund, and no fact is told twice."""
    by_position = {fact.entry.position: fact for fact in facts}
    assert max(Counter(p for one in told for p in one.positions).values(), default=1) == 1
    for one in told:
        lines = [by_position[p] for p in one.positions]
        assert len({fact.who for fact in lines}) >= least
        for fund in {p.fund for p in one.publication.postings}:
            assert sum(p.amount for p in one.publication.postings if p.fund == fund) == 0


@given(FEES)
def test_no_fee_that_is_told_is_one_persons(rows: list[tuple[str | None, int, str, int, bool]]) -> None:
    facts = [fee_of(gift(amount, fund), who, fee or 1, waits=waits) for who, amount, fund, fee, waits in rows]
    told, owed = monthly.fees(facts, POLICIES, {}, MONTH)
    check(told, facts, 5)
    by_position = {fact.entry.position: fact for fact in facts}
    for one in told:
        parts = [monthly.Part(by_position[p], by_position[p].entry.postings[0].amount) for p in one.positions]
        assert may_be_told(parts, 5)
        fund = one.publication.postings[0].fund
        paid = -sums(one).get(("assets:cash", fund), 0)
        assert paid % 1_000 == sums(one).get(("expenses:processing", fund), 0) % 1_000 == 0
        assert paid + owed["assets:cash", fund, "USD/2"] == sum(by_person(parts).values())


@given(FEES)
def test_no_hidden_total_is_one_persons_and_no_fee_is_lost_or_invented(
    rows: list[tuple[str | None, int, str, int, bool]],
) -> None:
    gifts = [Fact(gift(amount, fund, "hidden"), who) for who, amount, fund, _, _ in rows]
    fees = [fee_of(one.entry, None, row[3] or 1) for one, row in zip(gifts, rows, strict=True) if row[4]]
    fees = [Fact(f.entry, f.who, f.gift, gift_waits=True) for f in fees]
    told, owed = monthly.hidden(gifts, fees, POLICY, {}, MONTH)
    check(told, [*gifts, *fees], 5)
    positions = {p for one in told for p in one.positions}
    true = sum(f.entry.postings[0].amount for f in fees if f.entry.position in positions)
    published = sum(a for one in told for (account, _), a in sums(one).items() if account == "expenses:processing")
    assert published == true - sum(owed.values())
    for one in told:
        assert all(a % 1_000 == 0 for (account, _), a in sums(one).items() if account == "expenses:processing")


@given(HELP, st.integers(5, 12))
def test_no_help_that_is_told_is_of_few_people_or_mostly_one_persons(
    rows: list[tuple[str, int, str]], least: int
) -> None:
    facts = [help_for(who, amount, category) for who, amount, category in rows]
    policy = Policy({}, people_min=least)
    told = monthly.help_to_people(facts, policy, MONTH)
    check(told, facts, least)
    by_position = {fact.entry.position: fact for fact in facts}
    for one in told:
        parts = [monthly.Part(by_position[p], by_position[p].entry.postings[0].amount) for p in one.positions]
        assert may_be_told(parts, least)
        assert one.publication.data == {"people_min": least}
