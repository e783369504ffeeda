"""What a log declares: accounts, funds, registries and closed months, each from the entry that says so."""

from __future__ import annotations

from hashlib import sha256

import pytest

from ledger.declared import NO_FUND, Declared
from ledger.errors import EntryError
from ledger.grammar import encode_base64
from ledger.registry import Registry, TypeSpec
from ledger.types import Entry, LogName
from tests.vectors import logs

AT_US = 1_788_264_600_000_000  # 2026-09-01T12:10Z


def entry(type_name: str, data: dict[str, object], period: str = "2026-08") -> Entry:
    return Entry("ledger.example.org/ledger", 9, bytes(32), AT_US, period, type_name, data, ())


def declare(declared: Declared, one: Entry) -> None:
    declared.apply(one, declared.prepare(one))


def test_nothing_is_declared_at_first_but_the_fund_of_what_is_not_money() -> None:
    declared = Declared("public")
    assert (declared.accounts, declared.funds, declared.closed) == (set(), {NO_FUND}, "")


def test_a_later_declaration_of_an_account_adds_assets() -> None:
    declared = Declared("public")
    for assets in (["USD/2"], ["EUR/2", "JPY"]):
        declare(declared, entry("ledger.account.declared.v1", {"account": "assets:cash", "assets": assets}))
    assert declared.accounts == {("assets:cash", asset) for asset in ("EUR/2", "JPY", "USD/2")}


@pytest.mark.parametrize("log", ["books", "audit", "public"])
def test_points_are_kept_in_books_alone(log: LogName) -> None:
    points = entry("ledger.account.declared.v1", {"account": "points:members", "assets": ["POINTS"]})
    declared = Declared(log)
    if log == "books":
        declare(declared, points)
        assert declared.accounts == {("points:members", "POINTS")}
    else:
        with pytest.raises(EntryError, match="belong in books"):
            declared.prepare(points)


def test_a_copy_declares_apart() -> None:
    declared = Declared("public")
    copy = declared.copy()
    declare(copy, entry("ledger.fund.declared.v1", {"fund": "rent"}))
    assert (declared.funds, copy.funds) == ({NO_FUND}, {NO_FUND, "rent"})


def test_an_entry_of_an_unknown_type_is_held_to_all_but_its_data() -> None:
    unknown = entry("later.thing.happened.v1", {"any": "thing"})
    declared = Declared("public")
    assert declared.judge(unknown) is False
    declared.closed = "2026-08"
    with pytest.raises(EntryError, match="closed before"):
        declared.judge(unknown)


def published(registry: Registry) -> Entry:
    return entry("ledger.registry.published.v1", {**logs.LogMaker.registry_data(registry.to_text())})


def test_a_later_registry_adds_types_and_keeps_those_there_are() -> None:
    declared = Declared("public")
    declare(declared, published(Registry([logs.GIFT])))
    declare(declared, published(Registry([logs.GIFT, logs.HELP])))
    assert logs.HELP.name in declared.registry.types
    changed = TypeSpec(logs.GIFT.name, {}, "some", logs.GIFT.slots)
    for registry in (Registry([logs.HELP]), Registry([changed, logs.HELP])):
        with pytest.raises(EntryError, match="stays as it is for ever"):
            declared.prepare(published(registry))


def test_a_close_names_a_month_that_is_over_and_the_registry_in_force() -> None:
    declared = Declared("public")
    data: dict[str, object] = {
        "balances": encode_base64(bytes(32)),
        "registry": encode_base64(declared.registry.sha256()),
    }
    with pytest.raises(EntryError, match="not over yet"):
        declared.prepare(entry("ledger.period.closed.v1", data, "2026-09"))
    with pytest.raises(EntryError, match="registry in force"):
        declared.prepare(entry("ledger.period.closed.v1", {**data, "registry": encode_base64(bytes(32))}))
    declare(declared, entry("ledger.period.closed.v1", data))
    assert declared.closed == "2026-08"


def test_a_policy_carries_its_own_hash() -> None:
    policy = '{"gift":"live"}'
    good: dict[str, object] = {
        "from": "2026-09",
        "policy": policy,
        "sha256": encode_base64(sha256(policy.encode()).digest()),
    }
    Declared("public").prepare(entry("ledger.policy.changed.v1", good))
    with pytest.raises(EntryError, match=r"hash of data\.policy"):
        Declared("public").prepare(entry("ledger.policy.changed.v1", {**good, "policy": "{}"}))
