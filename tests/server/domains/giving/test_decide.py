"""One payment, one gift, one fee: whatever comes first, however often."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.registry import Registry
from ledger.types import Entry, OwnedPosting, Posting
from server import chart
from server.domains.giving import events
from server.domains.giving.commands import ReceiveGift, RecordFee
from server.domains.giving.decide import (
    Decided,
    Gift,
    NoFee,
    NoGift,
    NotHeld,
    OtherAsset,
    Repeated,
    Rules,
    fold,
    receive_gift,
    record_fee,
)
from server.domains.giving.events import NewEvent

OWNER = bytes(range(32))
RULES = Rules(
    assets=frozenset({"USD/2", "JPY", "KWD/3"}),
    funds={"general": "unrestricted", "rent": "restricted", "none": "none"},
    time_zone=UTC,
)
NOON_S = 1_764_072_000  # 2025-11-25 12:00 UTC


def ask(
    amount_minor: int = 10330,
    asset: str = "USD/2",
    fund: str | None = "rent",
    *,
    cover_fees: bool = False,
    at_s: int = NOON_S,
) -> ReceiveGift:
    return ReceiveGift(amount_minor, asset, fund, cover_fees, "live", at_s, private={"nonce": "n0nce"})


def fee(fee_minor: int = 330, asset: str = "USD/2") -> RecordFee:
    return RecordFee(fee_minor, asset, NOON_S, "txn_1", private={"source": "ch_1"})


def decided(decision: object) -> NewEvent:
    assert isinstance(decision, Decided), decision
    return decision.event


def written(event: NewEvent, position: int) -> Entry:
    postings = tuple(Posting(p.account, p.asset, p.fund, p.amount) for p in event.postings)
    return Entry(
        "x/books",
        position,
        bytes(32),
        0,
        "2025-11",
        event.type,
        event.data,
        postings,
        bytes(32),
        refers_to=event.refers_to,
    )


def after(*decisions: object) -> Gift:
    return fold(written(decided(decision), 100 + index) for index, decision in enumerate(decisions))


def test_a_restricted_gift_is_income_of_its_fund_and_the_gift_owns_its_postings() -> None:
    event = decided(receive_gift(Gift(), ask(), RULES, OWNER))
    assert event.type == "giving.gift.received.v1"
    assert event.postings == (
        OwnedPosting("assets:stripe:pending", "USD/2", "rent", 10330, OWNER),
        OwnedPosting("income:gifts:restricted", "USD/2", "rent", -10330, OWNER),
    )
    assert event.data == {
        "effective_on": "2025-11-25",
        "fee_borne_by": "charity",
        "via": "processor",
        "visibility": "live",
    }
    assert event.slots["nonce"] == "n0nce"


@pytest.mark.parametrize("fund", [None, "general"])
def test_a_gift_without_a_fund_is_unrestricted(fund: str | None) -> None:
    event = decided(receive_gift(Gift(), ask(fund=fund), RULES, OWNER))
    assert [(p.account, p.fund) for p in event.postings] == [
        ("assets:stripe:pending", "general"),
        ("income:gifts:unrestricted", "general"),
    ]


@pytest.mark.parametrize("fund", ["coats", "Rent", "none", "rent\u200b", "x" * 500, "'; drop table giving_gifts; --"])
def test_a_fund_that_we_do_not_have_waits_in_suspense_with_its_text_in_a_private_slot(fund: str) -> None:
    event = decided(receive_gift(Gift(), ask(fund=fund), RULES, OWNER))
    assert event.type == "giving.gift.suspended.v1"
    assert [(p.account, p.fund, p.amount) for p in event.postings] == [
        ("assets:stripe:pending", "general", 10330),
        ("assets:suspense", "general", -10330),
    ]
    assert event.data["reason"] == "fund_unknown"
    assert event.slots["note"] == {"fund": fund, "note": ""}
    assert fund not in str(event.data)


@pytest.mark.parametrize(("asset", "amount"), [("JPY", 500), ("KWD/3", 5120), ("USD/2", 1), ("USD/2", 10**15)])
def test_amounts_pass_unchanged_whatever_the_unit(asset: str, amount: int) -> None:
    event = decided(receive_gift(Gift(), ask(amount, asset), RULES, OWNER))
    assert [p.amount for p in event.postings] == [amount, -amount]


def test_a_currency_that_is_not_held_is_refused_with_a_sentence() -> None:
    decision = receive_gift(Gift(), ask(asset="EUR/2"), RULES, OWNER)
    assert decision == NotHeld("EUR/2")
    assert str(decision) == "currency EUR is not held"


def test_the_day_is_that_of_the_charity() -> None:
    late_s = 1_764_057_600 - 1  # 2025-11-25 07:59:59 UTC, 23:59:59 the day before in Los Angeles
    rules = Rules(RULES.assets, RULES.funds, ZoneInfo("America/Los_Angeles"))
    assert decided(receive_gift(Gift(), ask(at_s=late_s), rules, OWNER)).data["effective_on"] == "2025-11-24"
    assert decided(receive_gift(Gift(), ask(at_s=late_s + 1), rules, OWNER)).data["effective_on"] == "2025-11-25"


def test_a_second_notice_of_the_same_payment_changes_nothing() -> None:
    gift = after(receive_gift(Gift(), ask(), RULES, OWNER))
    assert receive_gift(gift, ask(99, fund="general"), RULES, OWNER) == Repeated(100)
    assert receive_gift(gift, ask(asset="EUR/2"), RULES, OWNER) == Repeated(100)


@pytest.mark.parametrize(("cover_fees", "bearer", "fund"), [(True, "giver", "rent"), (False, "charity", "general")])
def test_the_fee_is_borne_by_the_fund_of_a_giver_who_covers_it_and_otherwise_by_general(
    *, cover_fees: bool, bearer: str, fund: str
) -> None:
    gift = after(receive_gift(Gift(), ask(cover_fees=cover_fees), RULES, OWNER))
    event = decided(record_fee(gift, fee(), UTC, OWNER))
    assert event.refers_to == (100,)
    assert event.data == {"borne_by": bearer, "effective_on": "2025-11-25"}
    assert event.postings == (
        OwnedPosting("expenses:fees:processing", "USD/2", fund, 330, OWNER),
        OwnedPosting("assets:stripe:pending", "USD/2", fund, -330, OWNER),
    )
    assert event.slots["balance_transaction"] == "txn_1"


def test_the_fee_of_a_suspended_gift_is_borne_by_general() -> None:
    gift = after(receive_gift(Gift(), ask(fund="coats", cover_fees=True), RULES, OWNER))
    assert {p.fund for p in decided(record_fee(gift, fee(), UTC, OWNER)).postings} == {"general"}


def test_a_fee_is_recorded_once() -> None:
    gift = after(receive_gift(Gift(), ask(), RULES, OWNER))
    recorded = record_fee(gift, fee(), UTC, OWNER)
    twice = after(receive_gift(Gift(), ask(), RULES, OWNER), recorded)
    assert record_fee(twice, fee(999), UTC, OWNER) == Repeated(101)


def test_a_fee_of_nothing_is_known_and_writes_nothing() -> None:
    gift = after(receive_gift(Gift(), ask(), RULES, OWNER))
    assert record_fee(gift, fee(0), UTC, OWNER) == NoFee()


def test_a_fee_without_its_gift_is_not_recorded() -> None:
    decision = record_fee(Gift(), fee(), UTC, OWNER)
    assert decision == NoGift()
    assert str(decision) == "its gift is not in the books"


def test_a_fee_in_another_currency_waits_for_a_person() -> None:
    gift = after(receive_gift(Gift(), ask(5120, "KWD/3"), RULES, OWNER))
    decision = record_fee(gift, fee(), UTC, OWNER)
    assert decision == OtherAsset("KWD/3", "USD/2")
    assert "USD/2" in str(decision)


def test_entries_of_other_slices_do_not_change_a_gift() -> None:
    other = Entry("x/books", 7, bytes(32), 0, "2025-11", "care.note.taken.v1", {}, ())
    assert fold([other]) == Gift()


@given(
    amount=st.integers(1, 10**15),
    asset=st.sampled_from(sorted(RULES.assets)),
    fund=st.sampled_from([None, "rent", "general", "coats"]),
    kept=st.integers(0, 10**15),
    cover=st.booleans(),
)
def test_every_event_sums_to_zero_in_each_asset_and_fund(
    amount: int, asset: str, fund: str | None, kept: int, *, cover: bool
) -> None:
    booked = receive_gift(Gift(), ask(amount, asset, fund, cover_fees=cover), RULES, OWNER)
    decisions = [booked, record_fee(after(booked), fee(kept, asset), UTC, OWNER)]
    for decision in decisions:
        if isinstance(decision, Decided):
            sums: dict[tuple[str, str], int] = {}
            for posting in decision.event.postings:
                sums[posting.asset, posting.fund] = sums.get((posting.asset, posting.fund), 0) + posting.amount
            assert set(sums.values()) == {0}


def test_what_is_decided_fits_the_registry() -> None:
    registry = Registry(events.BOOKS_TYPES, chart.BOOKS_GUARDS)
    booked = receive_gift(Gift(), ask(), RULES, OWNER)
    suspended = receive_gift(Gift(), ask(fund="coats"), RULES, OWNER)
    for decision in (booked, suspended, record_fee(after(booked), fee(), UTC, OWNER)):
        event = decided(decision)
        registry.check_data(event.type, event.data)
        names = {slot.name for slot in registry.types[event.type].slots}
        assert set(event.slots) <= names
