"""A subscription hands over every position once, in order, whatever the order in which things happen."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.channels import Ring
from realtime.subscription import Subscription
from tests.realtime.sources import publication


def test_a_page_that_ends_at_the_top_makes_it_live() -> None:
    subscription = Subscription("ledger", -1, credit=1)
    assert subscription.wants_page()
    assert subscription.begin_read() == -1
    assert not subscription.wants_page()
    page = [publication(0), publication(1)]
    assert list(subscription.take_page(page, top=1)) == page
    assert subscription.live
    assert subscription.take(publication(2))
    assert subscription.last == 2


def test_without_credit_no_page_is_wanted() -> None:
    subscription = Subscription("ledger", -1, credit=1)
    subscription.begin_read()
    subscription.take_page([publication(0)], top=5)
    assert not subscription.live
    assert not subscription.wants_page()
    subscription.add_credit(1)
    assert subscription.wants_page()


def test_a_publication_that_does_not_follow_is_not_handed_over() -> None:
    subscription = Subscription("ledger", 4, credit=1)
    subscription.live = True
    assert not subscription.take(publication(7))
    assert not subscription.live
    assert subscription.last == 4


def test_a_publication_that_was_handed_over_already_is_passed_over() -> None:
    subscription = Subscription("ledger", 4, credit=1)
    subscription.live = True
    assert not subscription.take(publication(3))
    assert subscription.live


def test_an_empty_page_costs_no_credit() -> None:
    subscription = Subscription("ledger", 4, credit=1)
    subscription.begin_read()
    assert list(subscription.take_page([], top=4)) == []
    assert subscription.live
    assert subscription.credit == 1


def test_a_page_for_another_place_is_not_handed_over() -> None:
    subscription = Subscription("ledger", 4, credit=1)
    subscription.begin_read()
    assert list(subscription.take_page([publication(9)], top=9)) == []
    assert subscription.last == 4
    assert not subscription.live


def test_a_failed_read_is_asked_for_again() -> None:
    subscription = Subscription("ledger", 4, credit=1)
    subscription.begin_read()
    subscription.fail_read()
    assert subscription.wants_page()


def test_credit_is_bounded() -> None:
    subscription = Subscription("ledger", -1, credit=2)
    subscription.add_credit(10**9)
    assert subscription.credit == 64


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["publish", "publish late", "page", "slow", "credit", "lost page", "repeat"]), max_size=80)
)
def test_whatever_happens_the_client_gets_every_position_once_and_in_order(steps: list[str]) -> None:  # noqa: C901 - one branch per step
    subscription = Subscription("ledger", -1, credit=2)
    log = [publication(0)]
    top = 0  # what the hub has published
    got: list[int] = []
    for step in steps:
        if step == "publish":
            log.append(publication(len(log)))
            got += [item.p for item in log[top + 1 :] if subscription.take(item)]
            top = len(log) - 1
        elif step == "publish late":
            log.append(publication(len(log)))  # it is in the source, the hub has not heard of it
        elif step == "page" and subscription.wants_page():
            after = subscription.begin_read()
            got += [item.p for item in subscription.take_page(log[after + 1 : after + 4], top)]
        elif step == "lost page" and subscription.wants_page():
            subscription.begin_read()
            subscription.fail_read()
        elif step == "slow":
            subscription.fall_behind()
        elif step == "credit":
            subscription.add_credit(1)
        elif step == "repeat" and subscription.take(log[top]):
            got.append(log[top].p)
    for _ in range(len(log) + 1):  # catch up with the end
        subscription.fall_behind()
        subscription.add_credit(1)
        if not subscription.reading:
            after = subscription.begin_read()
            got += [item.p for item in subscription.take_page(log[after + 1 : after + 4], len(log) - 1)]
    assert got == list(range(len(got)))
    assert len(got) == len(log)


def test_the_ring_serves_what_it_holds_and_nothing_else() -> None:
    ring = Ring(len_max=10)
    assert ring.page(-1) is None
    ring.extend(publication(p) for p in range(25))
    assert ring.page(13) is None
    assert [item.p for item in ring.page(14) or ()] == list(range(15, 25))
    assert ring.page(24) == []
    assert ring.page(25) is None


def test_a_page_of_the_ring_is_bounded_in_bytes() -> None:
    ring = Ring(bytes_max=10**9)
    ring.extend(publication(p, size=100_000) for p in range(10))
    assert [item.p for item in ring.page(-1) or ()] == [0, 1]
