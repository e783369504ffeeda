"""The verifier's rules: one entry after the other, each judged against everything before it. Pure. SPEC.md 2-7 and 12.

The signer and fsck run every entry through an `EntryChecker`; clients/verifier states the same rules independently.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, cast

from ledger import canonical, times
from ledger.declared import OPENED, REGISTRY, Declared
from ledger.errors import EntryError
from ledger.grammar import decode_base64, encode_base64
from ledger.merkle import Frontier, Node
from ledger.registry import Registry, TypeSpec
from ledger.types import Entry, LogName

_LEDGER = "ledger."


class EntryChecker:
    """Judges the entries of one log in order, and carries what judging the next one takes.

    A refused entry changes nothing. `unknown_types` counts entries whose type the registry does not list: they are
    judged in all but their data, and the verdict over the log is then "could not tell" (A12).
    """

    def __init__(self, origin: str, log: LogName, registry: Registry | None = None) -> None:
        """Starts before position 0. `registry` stands in for the ledger's own types until the log publishes one."""
        self.origin = origin
        self.log = log
        self.prev = canonical.EMPTY_HASH
        self.last_at_us = -1
        self.frontier = Frontier()
        self.declared = Declared(log, registry or Registry())
        self.unknown_types = 0
        self.completed: list[Node] = []

    @property
    def size(self) -> int:
        """Entries accepted so far; the position that comes next."""
        return self.frontier.size

    @property
    def registry(self) -> Registry:
        """The registry in force for the next entry."""
        return self.declared.registry

    def check(self, position: int, data: bytes) -> Entry:
        """Accepts the bytes as entry `position` and returns it parsed; EntryError with the rule's code otherwise.

        Afterwards `prev` is this entry's leaf hash and `completed` the subtrees that its leaf completed.
        """
        entry = canonical.parse_entry(data)
        self._check_place(entry, position)
        known = self._check_type(entry)
        self._check_time(entry)
        self._check_places_of_value(entry)
        registry = None
        if known and entry.type.startswith(_LEDGER):
            registry = self.declared.prepare(entry)
            self.declared.apply(entry, registry)
        self.unknown_types += not known
        self.prev = canonical.leaf_hash(data)
        self.last_at_us = entry.at_us
        self.completed = self.frontier.append(self.prev)
        return entry

    def snapshot(self) -> dict[str, Any]:
        """Everything carried, as JSON: what a signer keeps outside the database to continue from."""
        declared = self.declared
        return {
            "accounts": sorted(declared.accounts),
            "closed": sorted(declared.closed),
            "frontier": [encode_base64(h) for h in self.frontier.hashes()],
            "funds": sorted(declared.funds),
            "last_at_us": self.last_at_us,
            "log": self.log,
            "origin": self.origin,
            "prev": encode_base64(self.prev),
            "registry": declared.registry.to_text(),
            "size": self.size,
            "time_zone": declared.time_zone_name,
            "unknown_types": self.unknown_types,
        }

    @classmethod
    def from_snapshot(cls, state: Mapping[str, Any]) -> Self:
        """Continues where `snapshot` was taken; the state is the caller's own and is trusted to be whole."""
        checker = cls(state["origin"], cast("LogName", state["log"]), Registry.parse(state["registry"]))
        checker.prev = decode_base64(state["prev"])
        checker.last_at_us = state["last_at_us"]
        checker.frontier = Frontier(state["size"], map(decode_base64, state["frontier"]))
        checker.unknown_types = state["unknown_types"]
        declared = checker.declared
        declared.time_zone_name = state["time_zone"]
        declared.time_zone = times.zone(state["time_zone"])
        declared.accounts = {(account, asset) for account, asset in state["accounts"]}
        declared.funds = set(state["funds"])
        declared.closed = set(state["closed"])
        return checker

    def _check_place(self, entry: Entry, position: int) -> None:
        """Rules of the chain and of its first two entries."""
        if entry.log != self.origin:
            raise EntryError("log-mismatch", f"the entry is of {entry.log!r}, this log is {self.origin!r}")
        if entry.position != position or position != self.size:
            raise EntryError("position-mismatch", f"the entry says {entry.position}, it stands at {position}")
        if entry.prev != self.prev:
            raise EntryError("prev-mismatch", f"prev of position {position} is not the hash of the entry before")
        if (entry.type == OPENED) != (position == 0):
            raise EntryError("genesis-invalid", f"{OPENED} stands at position 0 and only there")
        if position == 1 and entry.type != REGISTRY:
            raise EntryError("genesis-invalid", f"position 1 is {entry.type}, not {REGISTRY}")

    def _check_time(self, entry: Entry) -> None:
        at_us = entry.at_us
        if self.log == "public":
            if at_us % times.MINUTE_US:
                raise EntryError("entry-malformed", "at of a public entry is a whole minute")
            if at_us < self.last_at_us:
                raise EntryError("time-backwards", "at is before that of the entry before")
        elif at_us <= self.last_at_us:
            raise EntryError("time-backwards", "at is not after that of the entry before")
        # Position 0 states the time zone that its own period is counted in.
        zone = times.zone(str(entry.data.get("time_zone"))) if entry.position == 0 else self.declared.time_zone
        month = times.month(at_us, zone)
        if entry.period not in (month, times.month_before(month)):
            raise EntryError("period-invalid", f"period {entry.period} is neither {month} nor the month before")
        if entry.period in self.declared.closed:
            raise EntryError("period-closed", f"period {entry.period} was closed before")

    def _check_places_of_value(self, entry: Entry) -> None:
        accounts, funds = self.declared.accounts, self.declared.funds
        for p in entry.postings:
            if (p.account, p.asset) not in accounts:
                raise EntryError("account-undeclared", f"account {p.account} is not declared for {p.asset}")
            if p.fund not in funds:
                raise EntryError("fund-undeclared", f"fund {p.fund} is not declared")

    def _check_type(self, entry: Entry) -> bool:
        """Whether the type is known; if it is, the entry has kept to it."""
        spec = self.registry.types.get(entry.type)
        if spec is None:
            return False
        self.registry.check_data(entry.type, entry.data)
        check_members(entry, spec)
        return True


def check_members(entry: Entry, spec: TypeSpec) -> None:
    """Returns if the entry has the members that its type asks for; EntryError otherwise. SPEC.md 5."""
    if bool(spec.slots) != (entry.private_root is not None):
        raise EntryError("private-invalid", f"{entry.type} has {len(spec.slots)} slots, private does not fit that")
    if (spec.postings == "some") != bool(entry.postings):
        raise EntryError("data-invalid", f"{entry.type} has postings: {spec.postings}, the entry {len(entry.postings)}")
    if (spec.refers == "must" and not entry.refers_to) or (spec.refers == "none" and entry.refers_to):
        raise EntryError("refers-invalid", f"{entry.type} has refers_to: {spec.refers}")
