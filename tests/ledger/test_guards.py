"""Guards: named sums over one fund or one owner, per asset."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import guards
from ledger.errors import EntryError
from ledger.guards import BalanceKey, Guard, Looks, Sums

ALICE = b"\xab" * 32
SPENDABLE = Guard("spendable", ("assets:cash", "liabilities:accrued_fees"), "fund", 1)
POINTS = Guard("points", ("points:members",), "owner", -1)
BALANCE_ROWS: dict[BalanceKey, int] = {
    ("assets:cash", b"", "USD/2", "rent"): 1000,
    ("assets:cash", ALICE, "USD/2", "rent"): 200,
    ("assets:cash", b"", "EUR/2", "rent"): 7,
    ("assets:cash", b"", "USD/2", "tech"): 5000,
    ("liabilities:accrued_fees", b"", "USD/2", "rent"): -1300,
    ("income:gifts", b"", "USD/2", "rent"): -9999,
    ("points:members", ALICE, "POINTS", "none"): -50,
    ("points:members", b"b" * 32, "POINTS", "none"): 1,
}
BALANCES = Sums(BALANCE_ROWS)


def test_a_guard_by_fund_sums_its_accounts_over_all_owners() -> None:
    """Attacks C1: debits are positive, and a guard is a sum, not one row."""
    assert guards.value(SPENDABLE, "rent", BALANCES) == {"USD/2": -100, "EUR/2": 7}
    assert guards.value(SPENDABLE, "tech", BALANCES) == {"USD/2": 5000}


def test_a_guard_by_owner_counts_credits_as_what_the_owner_holds() -> None:
    assert guards.value(POINTS, ALICE.hex(), BALANCES) == {"POINTS": 50}
    assert guards.value(POINTS, (b"c" * 32).hex(), BALANCES) == {}


def test_a_guard_is_broken_when_any_asset_is_below_zero() -> None:
    assert guards.is_broken(SPENDABLE, "rent", BALANCES)
    assert not guards.is_broken(SPENDABLE, "tech", BALANCES)
    assert not guards.is_broken(SPENDABLE, "general", BALANCES)
    assert guards.is_broken(POINTS, (b"b" * 32).hex(), BALANCES)


def test_what_a_decision_moves_is_counted_before_it_is_judged() -> None:
    own = {("points:members", ALICE, "POINTS", "none"): 49}
    assert not guards.is_broken(POINTS, ALICE.hex(), BALANCES, own)
    assert guards.is_broken(POINTS, ALICE.hex(), BALANCES, dict.fromkeys(own, 51))
    assert guards.is_broken(SPENDABLE, "winter", BALANCES, {("assets:cash", ALICE, "USD/2", "winter"): -1})
    assert not guards.is_broken(SPENDABLE, "rent", BALANCES, {("assets:cash", b"", "USD/2", "rent"): 100})


def test_only_the_funds_and_owners_that_are_asked_for_are_looked_at() -> None:
    known = {guard.name: guard for guard in (SPENDABLE, POINTS)}
    calls = ("spendable(rent)", f"points({ALICE.hex()})", "points(nobody)", "unknown(rent)", "nonsense")
    assert guards.looks(known, (), ("tech",), calls) == Looks(SPENDABLE.accounts, ("rent",), POINTS.accounts, (ALICE,))
    assert guards.looks(known, ("spendable",), ("tech",), ()) == Looks(SPENDABLE.accounts, ("tech",), (), ())
    assert not guards.looks(known, (), ("tech",), ("unknown(rent)",))


@pytest.mark.parametrize(
    ("guard", "key"), [(SPENDABLE, "Rent"), (SPENDABLE, ""), (POINTS, "alice"), (POINTS, ALICE.hex().upper())]
)
def test_a_key_of_another_kind_is_refused(guard: Guard, key: str) -> None:
    with pytest.raises(EntryError, match=f"no {guard.by}"):
        guards.value(guard, key, BALANCES)


def test_a_command_names_a_guard_and_its_key() -> None:
    assert guards.parse_call("spendable(rent)") == ("spendable", "rent")
    assert guards.parse_call(f"points({ALICE.hex()})") == ("points", ALICE.hex())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "spendable",
        "spendable()",
        "spendable(rent",
        "Spendable(rent)",
        "spendable(a)(b)",
        "spendable(rent)\n",
        "(rent)",
    ],
)
def test_other_texts_name_no_guard(text: str) -> None:
    with pytest.raises(EntryError, match="spendable"):
        guards.parse_call(text)


def test_a_guard_of_the_registry_reads() -> None:
    form = {"accounts": ["assets:cash", "liabilities:accrued_fees"], "by": "fund", "sign": 1}
    assert guards.parse(form, "spendable") == SPENDABLE


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "Spendable"),
        ({}, ""),
        ({}, 5),
        ({"accounts": "assets:cash"}, "g"),
        ({"accounts": []}, "g"),
        ({"accounts": ["assets:cash"] * 2}, "g"),
        ({"accounts": ["income:gifts", "assets:cash"]}, "g"),
        ({"accounts": ["cash"]}, "g"),
        ({"accounts": [1]}, "g"),
        ({"accounts": [f"assets:a{i:02}" for i in range(17)]}, "g"),
        ({"by": "asset"}, "g"),
        ({"by": []}, "g"),
        ({"sign": 0}, "g"),
        ({"sign": "1"}, "g"),
        ({"sign": True}, "g"),
        ({"min": 0}, "g"),
    ],
)
def test_a_guard_of_another_form_is_refused(changes: dict[str, Any], name: object) -> None:
    form = {"accounts": ["assets:cash"], "by": "fund", "sign": 1, **changes}
    with pytest.raises(EntryError) as caught:
        guards.parse(form, name)
    assert caught.value.code == "registry-invalid"


def test_a_guard_is_an_object() -> None:
    with pytest.raises(EntryError, match="not an object"):
        guards.parse([], "g")
