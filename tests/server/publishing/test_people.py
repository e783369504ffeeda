"""Whether a sum hides its people: counted by person, never by payment (attacks B5)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.publishing.people import by_person, may_be_told, same_people, without_dominant


@dataclass(frozen=True)
class Part:
    who: str | None
    amount_minor: int


SHARES = st.lists(st.builds(Part, st.sampled_from([*"abcdefghijklmn", None]), st.integers(-5_000, 5_000)), max_size=40)
IDENTIFIERS = st.dictionaries(st.integers(0, 20), st.lists(st.sampled_from("uvwxyz"), max_size=3), max_size=12)


def of(count: int, amount: int = 100) -> list[Part]:
    return [Part(f"person {number}", amount) for number in range(count)]


@pytest.mark.parametrize(("people", "told"), [(4, False), (5, False), (10, False), (11, True)])
def test_eleven_people_are_company_and_ten_are_not(people: int, told: bool) -> None:  # noqa: FBT001 - a parameter of the case
    assert may_be_told(of(people), 11) is told


def test_twelve_payments_of_one_person_are_no_company() -> None:
    """Attacks, verdict 4: k payments can be k months of one person's rent."""
    assert not may_be_told([Part("one", 100)] * 12, 5)


def test_all_whom_nobody_knows_count_as_one_person() -> None:
    assert by_person([Part(None, 5), Part(None, 7)]) == {None: 12}
    assert not may_be_told([*of(3), *[Part(None, 100)] * 5], 5)


def test_one_who_has_more_than_half_is_held_back_and_the_others_are_told() -> None:
    shares = [*of(11), Part("large", 1_101)]
    assert not may_be_told(shares, 11)
    assert without_dominant(shares, 11) == of(11)
    assert without_dominant([*of(10), Part("large", 1_001)], 11) == []


def test_what_came_back_weighs_as_much_as_what_went() -> None:
    """A sum near zero of large amounts both ways is still mostly one person's (B11)."""
    assert not may_be_told([*of(10, 1), Part("large", 900), Part("large", -900)], 5)


@given(SHARES, st.integers(1, 12))
def test_what_is_told_together_always_keeps_the_rule_and_keeps_people_whole(shares: list[Part], people: int) -> None:
    told = without_dominant(shares, people)
    assert not told or may_be_told(told, people)
    told_people = {share.who for share in told}
    assert told == [share for share in shares if share.who in told_people]


@given(IDENTIFIERS)
def test_whoever_shares_an_identifier_is_one_person_and_nobody_else_is(found: dict[int, list[str]]) -> None:
    people = same_people(found)
    assert {key for key, who in people.items() if who is None} == {key for key, ids in found.items() if not ids}
    for one, mine in found.items():
        reached = set(mine)
        for _ in found:
            reached |= {name for ids in found.values() if reached & set(ids) for name in ids}
        for other, theirs in found.items():
            if mine and theirs:
                assert (people[one] == people[other]) is bool(reached & set(theirs))


def test_a_customer_and_an_address_are_joined_by_the_payment_that_carries_both() -> None:
    people = same_people({1: ["customer"], 2: ["address"], 3: ["address", "customer"], 4: ["stranger"]})
    assert people[1] == people[2] == people[3] != people[4]


def test_a_busy_month_is_told_apart_as_fast_as_it_is_read() -> None:
    """Fifty thousand gifts, each tied to the next by an address: one person; and as many strangers."""
    chain = {number: [f"{number:06}", f"{number + 1:06}"] for number in range(50_000)}
    assert set(same_people(chain).values()) == {"000000"}
    backwards = dict(reversed(chain.items()))
    assert set(same_people(backwards).values()) == {"000000"}
    strangers = {number: [f"{number:06}"] for number in range(50_000)}
    assert len(set(same_people(strangers).values())) == 50_000
