"""What a log has declared so far, and what that allows the next entry. Pure. SPEC.md 4, 5 and 12.

The rules of a log are entries of that log: this state is folded from its `ledger.*` entries alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from hashlib import sha256

from ledger import keys, times
from ledger.errors import EntryError, NoteError
from ledger.grammar import BASE_ACCOUNTS, decode_digest, matches_nonce
from ledger.keys import Keyring
from ledger.note import ED25519, VerifyKey
from ledger.policies import PEOPLE_MIN, Policies
from ledger.registry import EXTENDED, Registry, check_members
from ledger.types import Entry, LogName

LEDGER = "ledger."
OPENED = "ledger.log.opened.v1"
REGISTRY = "ledger.registry.published.v1"
ACCOUNT = "ledger.account.declared.v1"
FUND = "ledger.fund.declared.v1"
POLICY = "ledger.policy.changed.v1"
CLOSED = "ledger.period.closed.v1"
KEY_CHANGES = frozenset({keys.INTRODUCED, keys.RETIRED})

NO_FUND = "none"
"""Fund of what is not money; never declared."""


@dataclass(slots=True)
class Declared:
    """Rules in force in one log. `judge` holds any entry to them; `ledger.*` then pass `prepare`, `apply`."""

    log: LogName
    registry: Registry = field(default_factory=Registry)
    time_zone: tzinfo = UTC
    time_zone_name: str = "UTC"
    accounts: set[tuple[str, str]] = field(default_factory=set)
    funds: set[str] = field(default_factory=lambda: {NO_FUND})
    closed: str = ""
    """The newest month that is closed; every month before it is closed too."""
    keys: Keyring = field(default_factory=Keyring)
    policies: Policies = field(default_factory=Policies)

    def copy(self) -> Declared:
        """An independent copy: what is declared on it leaves this one as it is."""
        return replace(self, accounts=set(self.accounts), funds=set(self.funds))

    def judge(self, entry: Entry) -> bool:
        """Returns if the rules in force allow the entry: True, or False if its type is unknown and its data untold.

        Its type and place in genesis, its period, its accounts and funds. EntryError with the rule's code otherwise.
        """
        position = entry.position
        if (entry.type == OPENED) != (position == 0):
            raise EntryError("genesis-invalid", f"{OPENED} stands at position 0 and only there")
        if position == 1 and entry.type != REGISTRY:
            raise EntryError("genesis-invalid", f"position 1 is {entry.type}, not {REGISTRY}")
        spec = self.registry.types.get(entry.type)
        if spec is not None:
            self.registry.check_data(entry.type, entry.data)
            check_members(entry, spec)
        # Position 0 states the time zone that its own period is counted in.
        zone = self.time_zone if position else times.zone(str(entry.data["time_zone"]))
        month = times.month(entry.at_us, zone)
        if entry.period not in (month, times.month_before(month)) and entry.type != CLOSED:
            raise EntryError("period-invalid", f"period {entry.period} is neither {month} nor the month before")
        if entry.period <= self.closed:
            raise EntryError("period-closed", f"period {entry.period} was closed before")
        if spec is not None and PEOPLE_MIN in spec.data and PEOPLE_MIN in entry.data:
            self.policies.check(entry.data[PEOPLE_MIN], entry.period, month)
        for p in entry.postings:
            if (p.account, p.asset) not in self.accounts:
                raise EntryError("account-undeclared", f"account {p.account} is not declared for {p.asset}")
            if p.fund not in self.funds:
                raise EntryError("fund-undeclared", f"fund {p.fund} is not declared")
        return spec is not None

    def prepare(self, entry: Entry) -> Registry | None:
        """Judges what a schema cannot say about a `ledger.*` entry; returns the registry that it publishes, if any.

        EntryError `genesis-invalid`, `registry-invalid`, `period-invalid`, `key-invalid`, `policy-invalid` or
        `data-invalid`.
        """
        if entry.type == OPENED:
            _check_opened(entry)
        elif entry.type == REGISTRY:
            return self._next_registry(entry.data)
        elif entry.type == EXTENDED.name and EXTENDED.name in self.registry.types:
            _check_text_hash(entry.data, "registry", "registry-invalid")
            return self.registry.extended(str(entry.data["registry"]))
        elif entry.type == ACCOUNT:
            root = str(entry.data["account"]).partition(":")[0]
            if self.log != "books" and root not in BASE_ACCOUNTS:
                raise EntryError("data-invalid", f"accounts under {root} belong in books, not in {self.log}")
        elif entry.type == POLICY:
            _check_text_hash(entry.data, "policy", "data-invalid")
            self._next_policies(entry)
        elif entry.type == CLOSED:
            self._check_close(entry)
        elif entry.type in KEY_CHANGES:
            self.keys.changed(entry)
        return None

    def apply(self, entry: Entry, registry: Registry | None) -> None:
        """Takes over what a judged entry declares; `registry` is what `prepare` returned for it."""
        data = entry.data
        if registry is not None:
            self.registry = registry
        elif entry.type == OPENED:
            self.time_zone_name = str(data["time_zone"])
            self.time_zone = times.zone(self.time_zone_name)
            self.keys = self.keys.opened(VerifyKey.parse(str(data["key"])), VerifyKey.parse(str(data["recovery_key"])))
        elif entry.type == ACCOUNT:
            assets = data["assets"]
            self.accounts.update((str(data["account"]), asset) for asset in assets)  # type: ignore[attr-defined]  # the schema says list
        elif entry.type == FUND:
            self.funds.add(str(data["fund"]))
        elif entry.type == POLICY:
            self.policies = self._next_policies(entry)
        elif entry.type == CLOSED:
            self.closed = entry.period
        elif entry.type in KEY_CHANGES:
            self.keys = self.keys.changed(entry)

    def _next_registry(self, data: Mapping[str, object]) -> Registry:
        _check_text_hash(data, "registry", "registry-invalid")
        registry = Registry.parse(str(data["registry"]))
        for name, spec in self.registry.types.items():
            if registry.types.get(name) != spec:
                raise EntryError("registry-invalid", f"type {name} was published before; it stays as it is for ever")
        for name, guard in self.registry.guards.items():
            if registry.guards.get(name) != guard:
                raise EntryError("registry-invalid", f"guard {name} was published before; it stays as it is for ever")
        return registry

    def _next_policies(self, entry: Entry) -> Policies:
        told_in = times.month(entry.at_us, self.time_zone)
        return self.policies.changed(str(entry.data["from"]), str(entry.data["policy"]), told_in)

    def _check_close(self, entry: Entry) -> None:
        if entry.period >= times.month(entry.at_us, self.time_zone):
            raise EntryError("period-invalid", f"period {entry.period} is not over yet and cannot be closed")
        if self.closed and entry.period != times.month_after(self.closed):
            raise EntryError("period-invalid", f"months close in order: {times.month_after(self.closed)} is next")
        if decode_digest(str(entry.data["registry"])) != self.registry.sha256():
            raise EntryError("data-invalid", "data.registry is not the hash of the registry in force")


def _check_opened(entry: Entry) -> None:
    data = entry.data
    try:
        key, recovery_key = (VerifyKey.parse(str(data["key"])), VerifyKey.parse(str(data["recovery_key"])))
    except NoteError as error:
        raise EntryError("genesis-invalid", str(error)) from error
    if key.algorithm != ED25519 or recovery_key.algorithm != ED25519:
        raise EntryError("genesis-invalid", "the log's key and the recovery key are Ed25519 keys")
    if key.name != entry.log:
        raise EntryError("genesis-invalid", f"the log's key is named {key.name[:80]!r}, not {entry.log!r}")
    if key.key == recovery_key.key:
        raise EntryError("genesis-invalid", "the recovery key is the log's own key")
    if not matches_nonce(str(data["nonce"])):
        raise EntryError("genesis-invalid", "data.nonce is not the base64 of 16 bytes")
    times.zone(str(data["time_zone"]))


def _check_text_hash(data: Mapping[str, object], name: str, code: str) -> None:
    if decode_digest(str(data["sha256"])) != sha256(str(data[name]).encode()).digest():
        raise EntryError(code, f"data.sha256 is not the hash of data.{name}")
