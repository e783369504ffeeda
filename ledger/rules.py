"""The index over a log's own entries: what is in force now, as rows that a writer or reader can load at once. Pure.

`ledger_rules` is a fold of `ledger.*` entries and can be rebuilt from them at any time; the entries decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ledger import times
from ledger.declared import ACCOUNT, CLOSED, FUND, OPENED, POLICY, REGISTRY, Declared
from ledger.keys import INTRODUCED, RETIRED, Keyring, Span
from ledger.note import VerifyKey
from ledger.registry import EXTENDED, Registry
from ledger.types import Entry, LogName

_RETIRED = " retired"


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One row of `ledger_rules`; a later row of the same kind and name takes its place."""

    kind: str
    name: str
    position: int
    data: Mapping[str, object]


def rule_rows(entry: Entry, declared: Declared) -> list[RuleRow]:  # noqa: PLR0911 - one answer per type
    """Return the rows that a `ledger.*` entry leaves; `declared` already includes it."""
    data = entry.data
    if entry.type == OPENED:
        return [RuleRow("key", str(data["key"]), entry.position, {"from": 0, "recovery": data["recovery_key"]})]
    if entry.type in {REGISTRY, EXTENDED.name}:
        return [RuleRow("type", "registry", entry.position, {"registry": declared.registry.to_text()})]
    if entry.type == ACCOUNT:
        account = str(data["account"])
        assets = sorted(asset for path, asset in declared.accounts if path == account)
        return [RuleRow("account", account, entry.position, {**data, "assets": assets})]
    if entry.type == FUND:
        return [RuleRow("fund", str(data["fund"]), entry.position, data)]
    if entry.type == POLICY:
        return [RuleRow("policy", f"{entry.position:016d}", entry.position, data)]
    if entry.type == CLOSED:
        return [RuleRow("period", entry.period, entry.position, data)]
    if entry.type == INTRODUCED:
        return [RuleRow("key", str(data["key"]), entry.position, {"from": data["size"]})]
    if entry.type == RETIRED:
        return [RuleRow("key", f"{data['key']}{_RETIRED}", entry.position, {"to": data["size"]})]
    return []


def declared_from(log: LogName, time_zone: str, rows: Iterable[tuple[str, str, Any]]) -> Declared:
    """Return what is declared, from rows (kind, name, data)."""
    declared = Declared(log, time_zone=times.zone(time_zone), time_zone_name=time_zone)
    spans: dict[str, Span] = {}
    recovery: VerifyKey | None = None
    told: list[tuple[str, str, str]] = []
    for kind, name, data in rows:
        if kind == "type":
            declared.registry = Registry.parse(data["registry"])
        elif kind == "account":
            declared.accounts.update((name, asset) for asset in data["assets"])
        elif kind == "fund":
            declared.funds.add(name)
        elif kind == "policy":
            told.append((name, data["from"], data["policy"]))
        elif kind == "period":
            declared.closed = max(declared.closed, name)
        elif kind == "key" and name.endswith(_RETIRED):
            vkey = name.removesuffix(_RETIRED)
            spans[vkey] = Span(spans[vkey].first, data["to"])
        elif kind == "key":
            spans[name] = Span(data["from"])
            recovery = VerifyKey.parse(data["recovery"]) if "recovery" in data else recovery
    declared.keys = Keyring(recovery, spans)
    for _, first_month, policy in sorted(told):
        declared.policies = declared.policies.changed(first_month, policy, "")
    return declared
