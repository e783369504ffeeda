"""The index over a log's own entries says what a fold of the entries says."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any, Literal

import orjson

from ledger import canonical, genesis, keys, times
from ledger.balances import Balances
from ledger.declared import Declared
from ledger.note import SigningKey
from ledger.plan import State, plan_batch
from ledger.postings import balances_hash
from ledger.registry import Registry, TypeSpec
from ledger.rules import RuleRow, declared_from
from ledger.types import Command, Draft, Head
from tests.support.logs import RECOVERY_SEED, born, clock_us, key_of, origin_of

NOW_US = clock_us()
MONTH = times.month(NOW_US, times.zone("UTC"))
BEFORE = times.month_before(MONTH)
WATERED = TypeSpec("garden.bed.watered.v1", {"day": {"is": "date"}})
DIGEST = base64.b64encode(bytes(32)).decode()


def after(*drafts: Draft) -> tuple[Declared, list[RuleRow]]:
    """What is declared after genesis and these, by the fold; and every row that was left."""
    head = Head("public", origin_of("public"), "UTC", 0, canonical.EMPTY_HASH, 0, 1, -1)
    state = State(Declared("public"), sums=Balances())
    rows: list[RuleRow] = []
    for command in (genesis.command(born("public")), *(Command((draft,)) for draft in drafts)):
        plan = plan_batch(head, state, [command], NOW_US)
        assert plan.planned[0].fresh, plan.planned[0].outcome
        head = plan.head
        rows += plan.rules
    return state.declared, rows


def key_change(change: Literal["introduced", "retired"], vkey: str, size: int) -> Draft:
    recovery = SigningKey("any", RECOVERY_SEED)
    signature = base64.b64encode(recovery.signature(keys.statement(origin_of("public"), change, vkey, size))).decode()
    return Draft(f"ledger.key.{change}.v1", {"key": vkey, "signature": signature, "size": size})


def loaded(rows: list[RuleRow]) -> Declared:
    """The same from the rows, as a database returns them: the last of a name, in order of position, through JSON."""
    kept: dict[tuple[str, str], RuleRow] = {(row.kind, row.name): row for row in rows}
    ordered = sorted(kept.values(), key=lambda row: row.position)
    read: list[tuple[str, str, Any]] = [(row.kind, row.name, orjson.loads(orjson.dumps(row.data))) for row in ordered]
    return declared_from("public", "UTC", read)


def plain(declared: Declared) -> dict[str, object]:
    fields = {field.name: getattr(declared, field.name) for field in dataclasses.fields(declared)}
    return {**fields, "registry": declared.registry.to_text(), "time_zone": str(declared.time_zone)}


def test_rows_and_fold_agree_after_genesis() -> None:
    declared, rows = after()
    assert plain(loaded(rows)) == plain(declared)
    assert {row.kind for row in rows} == {"account", "fund", "key", "policy", "type"}


def test_rows_and_fold_agree_after_every_kind_of_change() -> None:
    registry = base64.b64encode(after()[0].registry.sha256()).decode()
    account = genesis.Account("assets:cash", "debit", "Cash")
    declared, rows = after(
        genesis.account_declared(account, ["EUR/2"]),
        genesis.fund_declared(genesis.Fund("winter", "restricted", "Winter coats")),
        Draft(
            "ledger.period.closed.v1",
            {"balances": base64.b64encode(balances_hash({})).decode(), "registry": registry},
            period=BEFORE,
        ),
        *genesis.registry_drafts(Registry([WATERED]), after()[0].registry),
        genesis.policy_changed({"people_min": 7}, times.month_after(MONTH)),
    )
    assert plain(loaded(rows)) == plain(declared)
    assert {("assets:cash", "EUR/2"), ("assets:cash", "USD/2")} <= declared.accounts
    assert declared.closed == BEFORE
    assert declared.registry.types[WATERED.name] == WATERED


def test_keys_are_kept_with_the_sizes_they_are_for() -> None:
    vkey = SigningKey(origin_of("public"), b"n" * 32).vkey
    declared, rows = after(key_change("introduced", vkey, 40), key_change("retired", vkey, 90))
    names = [row.name for row in rows if row.kind == "key"]
    assert names == [key_of("public").vkey, vkey, f"{vkey} retired"]
    assert plain(loaded(rows)) == plain(declared)
    assert [size for size in range(120) if loaded(rows).keys.may_sign(vkey, size)] == list(range(40, 91))


def test_what_changes_no_rule_leaves_no_row() -> None:
    _, before = after()
    _, rows = after(
        Draft("ledger.anchor.recorded.v1", {"commitment": DIGEST}), Draft("ledger.books.attested.v1", {"note": "n"})
    )
    assert rows == before
