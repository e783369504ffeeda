"""Double entry: what settles always balances, and what does not balance is told which asset and fund."""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256

import pytest
from hypothesis import given

from ledger import postings
from ledger.errors import EntryError
from ledger.types import OwnedPosting, Posting
from tests.ledger import made

ALICE, BOB = b"a" * 32, b"b" * 32


def settled_or_code(lines: list[OwnedPosting]) -> tuple[tuple[Posting, ...], tuple[postings.OwnerSplit, ...]] | str:
    """What `settle` makes, or why it refuses."""
    try:
        return postings.settle(lines)
    except EntryError as error:
        return error.code


@given(made.transfers())
def test_settling_keeps_every_balance_of_every_owner(lines: list[OwnedPosting]) -> None:
    expected: dict[tuple[str, str, str, bytes], int] = defaultdict(int)
    for line in lines:
        expected[line.account, line.asset, line.fund, line.owner] += line.amount
    made_of = settled_or_code(lines)
    totals: dict[tuple[str, str, str], int] = defaultdict(int)
    for (account, asset, fund, _), amount in expected.items():
        totals[account, asset, fund] += amount
    hidden = any(amount and not totals[triple[:3]] for triple, amount in expected.items())
    if hidden:
        assert made_of == "sum-not-zero"
        return
    assert not isinstance(made_of, str)
    lines_out, splits = made_of
    postings.check(lines_out)
    assert {(p.account, p.asset, p.fund): p.amount for p in lines_out} == {t: a for t, a in totals.items() if a}
    found = {(*key_of(lines_out[index]), owner): amount for index, owner, amount in splits}
    assert found == {key: amount for key, amount in expected.items() if amount}
    assert list(splits) == sorted(splits)


def key_of(posting: Posting) -> tuple[str, str, str]:
    return posting.account, posting.asset, posting.fund


@given(made.transfers())
def test_settling_what_is_settled_changes_nothing(lines: list[OwnedPosting]) -> None:
    plain = [OwnedPosting(line.account, line.asset, line.fund, line.amount) for line in lines]
    once, _ = postings.settle(plain)
    again, _ = postings.settle(OwnedPosting(p.account, p.asset, p.fund, p.amount) for p in reversed(once))
    assert again == once


def test_a_gift_with_its_owner_settles_into_postings_and_splits() -> None:
    lines = [
        OwnedPosting("income:gifts", "USD/2", "rent", -2500, ALICE),
        OwnedPosting("assets:cash", "USD/2", "rent", 2000, ALICE),
        OwnedPosting("assets:cash", "USD/2", "rent", 500),
    ]
    made_of, splits = postings.settle(lines)
    assert made_of == (Posting("assets:cash", "USD/2", "rent", 2500), Posting("income:gifts", "USD/2", "rent", -2500))
    assert splits == ((0, b"", 500), (0, ALICE, 2000), (1, ALICE, -2500))


def test_owners_of_one_account_cannot_exchange_value_unseen() -> None:
    lines = [
        OwnedPosting("points:members", "POINTS", "none", 5, ALICE),
        OwnedPosting("points:members", "POINTS", "none", -5, BOB),
    ]
    with pytest.raises(EntryError, match="owners exchange POINTS within points:members"):
        postings.settle(lines)


def test_an_owner_is_empty_or_32_bytes() -> None:
    with pytest.raises(EntryError, match="31 bytes"):
        postings.settle([OwnedPosting("assets:cash", "USD/2", "rent", 5, bytes(31))])


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (OwnedPosting("cash", "USD/2", "rent", 1), "entry-malformed"),
        (OwnedPosting("assets:cash", "usd", "rent", 1), "entry-malformed"),
        (OwnedPosting("assets:cash", "USD/2", "Rent", 1), "entry-malformed"),
        (OwnedPosting("assets:cash", "USD/2", "rent", 10**31), "entry-malformed"),
        (OwnedPosting("assets:cash", "USD/2", "rent", 1), "sum-not-zero"),
    ],
)
def test_what_no_entry_may_say_does_not_settle(line: OwnedPosting, code: str) -> None:
    assert settled_or_code([line]) == code


def test_an_unbalanced_fund_is_named_with_what_it_sums_to() -> None:
    lines = [Posting("assets:cash", "USD/2", "rent", 100), Posting("income:gifts", "USD/2", "tech", -100)]
    with pytest.raises(EntryError, match="USD/2 in fund rent sums to 100"):
        postings.check(lines)


def test_value_leaves_one_fund_only_for_another() -> None:
    def legs(fund: str, amount: int) -> list[OwnedPosting]:
        cash = OwnedPosting("assets:cash", "USD/2", fund, -amount)
        return [cash, OwnedPosting(postings.INTERFUND, "USD/2", fund, amount)]

    assert len(postings.settle(legs("rent", 5) + legs("tech", -5))[0]) == 4
    with pytest.raises(EntryError, match="over all funds"):
        postings.settle(legs("rent", 5) + legs("tech", -4))


def test_at_most_64_postings_settle() -> None:
    lines = [
        OwnedPosting(account, "USD/2", f"f{i}", sign)
        for i in range(33)
        for account, sign in (("assets:cash", 1), ("income:gifts", -1))
    ]
    assert len(postings.settle(lines[:64])[0]) == 64
    with pytest.raises(EntryError, match="66 postings"):
        postings.settle(lines)


def test_a_zero_amount_is_no_posting() -> None:
    with pytest.raises(EntryError, match="zero"):
        postings.check([Posting("assets:cash", "USD/2", "rent", 0)])
    assert postings.settle([OwnedPosting("assets:cash", "USD/2", "rent", 0)]) == ((), ())


def test_the_balances_hash_ignores_order_and_zeros_and_nothing_else() -> None:
    """Attacks C7: over account, asset and fund only, so that anybody can replay it."""
    balances = {("assets:cash", "USD/2", "rent"): 5, ("income:gifts", "USD/2", "rent"): -5}
    found = postings.balances_hash(balances)
    lines = b'["assets:cash","USD/2","rent","5"]\n["income:gifts","USD/2","rent","-5"]\n'
    assert found == sha256(b"secondwind/balances/v1\n" + lines).digest()
    assert postings.balances_hash(dict(reversed(balances.items()))) == found
    assert postings.balances_hash({**balances, ("assets:cash", "EUR/2", "rent"): 0}) == found
    assert postings.balances_hash({**balances, ("assets:cash", "EUR/2", "rent"): 1}) != found
