"""The verifier's rules: one entry after the other, each judged against everything before it. Pure. SPEC.md 2-7 and 12.

The signer and fsck run every entry through an `EntryChecker`; clients/verifier states the same rules independently.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Mapping
from typing import Any, Self, cast

from ledger import canonical, phases, times
from ledger.balances import Balances
from ledger.declared import CLOSED, LEDGER, Declared
from ledger.errors import EntryError
from ledger.grammar import decode_base64, decode_digest, encode_base64
from ledger.keys import Keyring
from ledger.merkle import Frontier, Node
from ledger.policies import Policies
from ledger.postings import balances_hash
from ledger.registry import Registry
from ledger.shapes import SHAPES_MAX, Shape, Skimmed
from ledger.types import Entry, LogName

OVERDUE_US = 20 * 86_400 * 1_000_000


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
        self.balances = Balances()
        self.pending: dict[int, int] = {}
        self.first_month = ""
        self.unknown_types = 0
        self.completed: list[Node] = []
        self._shapes: list[Shape] = []
        self._prev_text = b""
        self._time = ("", -1, "")

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
        known = self.declared.judge(entry)
        self._check_time(entry)
        self._check_money(entry)
        if known and entry.type.startswith(LEDGER):
            registry = self.declared.prepare(entry)
            self._check_close(entry)
            self.declared.apply(entry, registry)
        self._take(entry)
        self.unknown_types += not known
        self._append(data, entry.at_us)
        if entry.type.startswith(LEDGER):
            self._shapes.clear()
        elif known and not self.registry.types[entry.type].guards and (shape := Shape.of(entry, data)) is not None:
            self._shapes.insert(0, shape)
            del self._shapes[SHAPES_MAX:]
        return entry

    def skim(self, position: int, data: bytes) -> Skimmed | None:
        """As `check`, but for an entry like one before, which is faster. None leaves it to `check` and changes nothing.

        Whatever it accepts, `check` accepts, and what it carries afterwards is the same.
        """
        for rank, shape in enumerate(self._shapes):  # noqa: B007 - used below
            if match := shape.fits(data):
                break
        else:
            return None
        found, count = match.groups(), len(shape.triples)
        if position != self.frontier.size or found[1] != b"%d" % position or found[2 + count] != self._prev_text:
            return None
        amounts = [int(text) for text in found[2 : 2 + count]]
        if any(sum([amounts[i] for i in places]) for places in shape.sums):
            return None
        at_us = self._skim_time(found[0].decode(), shape.period)
        if at_us is None or len(data) > canonical.ENTRY_BYTES_MAX:
            return None
        if rank:
            self._shapes.insert(0, self._shapes.pop(rank))  # what came last comes again soonest
        self.balances.add_amounts(shape.period, shape.triples, amounts)
        self._append(data, at_us)
        return Skimmed(shape.type, shape.period, at_us, found[-1] if shape.has_private else None)

    def _skim_time(self, text: str, period: str) -> int | None:
        """The time, if it may stand here with this period. Neighbours in `public` share their minute: one is kept."""
        if self._time[0] == text and self._time[2] == period and self.log == "public":
            return self._time[1]
        try:
            at_us = times.parse_at(text)
        except EntryError:
            return None
        month = times.month(at_us, self.declared.time_zone)
        good = period in (month, times.month_before(month)) and period > self.declared.closed
        if self.log == "public":
            good = good and not at_us % times.MINUTE_US and at_us >= self.last_at_us
        else:
            good = good and at_us > self.last_at_us
        if not good:
            return None
        self._time = (text, at_us, period)
        return at_us

    def _append(self, data: bytes, at_us: int) -> None:
        self.prev = canonical.leaf_hash(data)
        self._prev_text = b2a_base64(self.prev, newline=False)
        self.last_at_us = at_us
        self.completed = self.frontier.append(self.prev)

    def overdue(self) -> str | None:
        """The oldest month that ended 20 days before the newest entry and is not closed; None is as it should be."""
        if not self.size:
            return None
        declared = self.declared
        month = times.month_after(declared.closed) if declared.closed else self.first_month
        running = times.month(self.last_at_us - OVERDUE_US, declared.time_zone)
        return month if month < running else None

    def snapshot(self) -> dict[str, Any]:
        """Everything carried, as JSON: what a signer keeps outside the database to continue from."""
        declared = self.declared
        return {
            "accounts": sorted(declared.accounts),
            "balances": self.balances.snapshot(),
            "closed": declared.closed,
            "first_month": self.first_month,
            "frontier": [encode_base64(h) for h in self.frontier.hashes()],
            "funds": sorted(declared.funds),
            "keys": declared.keys.snapshot(),
            "last_at_us": self.last_at_us,
            "log": self.log,
            "origin": self.origin,
            "pending": sorted(self.pending.items()),
            "policies": list(declared.policies.told),
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
        declared.closed = state["closed"]
        declared.keys = Keyring.from_snapshot(state["keys"])
        declared.policies = Policies(tuple((month, people) for month, people in state.get("policies", ())))
        checker.balances = Balances.from_snapshot(state["balances"])
        checker.pending = dict(state["pending"])
        checker.first_month = state["first_month"]
        return checker

    def _check_place(self, entry: Entry, position: int) -> None:
        """The entry stands in this log, at this position, after that entry."""
        if entry.log != self.origin:
            raise EntryError("log-mismatch", f"the entry is of {entry.log!r}, this log is {self.origin!r}")
        if entry.position != position or position != self.size:
            raise EntryError("position-mismatch", f"the entry says {entry.position}, it stands at {position}")
        if entry.prev != self.prev:
            raise EntryError("prev-mismatch", f"prev of position {position} is not the hash of the entry before")

    def _check_money(self, entry: Entry) -> None:
        """What is resolved was pending, and a decision leaves no guarded sum below zero."""
        phases.judge(entry, self.pending)
        spec = self.registry.types.get(entry.type)
        for name in spec.guards if spec is not None else ():
            if self.balances.breaks(self.registry.guards[name], entry):
                raise EntryError("guard-broken", f"{entry.type} leaves {name} below zero in a fund it touches")

    def _check_close(self, entry: Entry) -> None:
        if entry.type != CLOSED:
            return
        if decode_digest(str(entry.data["balances"])) != balances_hash(self.balances.through(entry.period)):
            raise EntryError("data-invalid", f"data.balances is not the trial balance through {entry.period}")

    def _take(self, entry: Entry) -> None:
        phases.apply(entry, self.pending)
        self.balances.add(entry.period, entry.postings)
        self.first_month = self.first_month or times.month(entry.at_us, self.declared.time_zone)
        if entry.type == CLOSED:
            self.balances.close(entry.period)

    def _check_time(self, entry: Entry) -> None:
        at_us = entry.at_us
        if self.log == "public":
            if at_us % times.MINUTE_US:
                raise EntryError("entry-malformed", "at of a public entry is a whole minute")
            if at_us < self.last_at_us:
                raise EntryError("time-backwards", "at is before that of the entry before")
        elif at_us <= self.last_at_us:
            raise EntryError("time-backwards", "at is not after that of the entry before")
