"""What one batch writes: the whole decision of the writer, pure (design/ledger.md 6).

`store.py` only locks, reads what `wanted` asks for, hands it here with the time, and writes the rows that come out.
One bad command never fails another; the drafts of one command are all written, next to one another, or none.
"""

from __future__ import annotations

import builtins
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ledger import canonical, guards, phases, times
from ledger.balances import Balances
from ledger.declared import CLOSED, Declared
from ledger.errors import (
    ClaimTaken,
    EntryError,
    Expired,
    GuardRefused,
    InvalidCommand,
    KeyReused,
    LedgerError,
    VersionConflict,
)
from ledger.grammar import INT_MAX, decode_digest
from ledger.guards import BalanceKey
from ledger.postings import balances_hash, settle
from ledger.rules import RuleRow, rule_rows
from ledger.types import Appended, Claim, Command, Draft, Entry, Head, SealedSlots

DRAFTS_MAX: Final = 1_024
MINUTE_US: Final = times.MINUTE_US
RESOLVED: Final = "resolved"
"""Kind of the claim that keeps a pending entry from being resolved twice; the key is its position."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A row of an idempotency key that was used before."""

    request_hash: bytes
    first: int
    count: int


@dataclass(slots=True)
class State:
    """What the database says, read after the head was locked; planning moves it on from command to command.

    `declared` is this batch's own copy. `balances` needs only what guards look at (guards.looks), `pending` (position
    to the time it expires) only what is to be resolved; `sums` are needed only to close a month.
    """

    declared: Declared
    streams: dict[bytes, int] = field(default_factory=dict)
    seen: dict[bytes, Seen] = field(default_factory=dict)
    claims: dict[tuple[str, bytes], int] = field(default_factory=dict)
    balances: guards.Sums = field(default_factory=guards.Sums)
    pending: dict[int, int] = field(default_factory=dict)
    sums: Balances | None = None

    def lay_over(self, before: Plan) -> None:
        """Count what `before` writes to streams, keys and claims, whether or not it had been read already."""
        self.streams.update((stream, version) for stream, version, _ in before.streams)
        self.seen.update((key, Seen(request_hash, first, count)) for key, request_hash, first, count in before.seen)
        self.claims.update(((kind, key), position) for kind, key, position in before.claims)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What has to be read under the lock to plan these commands."""

    streams: tuple[bytes, ...]
    keys: tuple[bytes, ...]
    claims: tuple[tuple[str, bytes], ...]
    guards: tuple[str, ...]
    types: tuple[str, ...]
    funds: tuple[str, ...]
    pending: tuple[int, ...]
    closes: str | None


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One row of `ledger_entries`."""

    position: int
    type: str
    period: str
    at_us: int
    bytes: builtins.bytes
    leaf_hash: builtins.bytes


@dataclass(frozen=True, slots=True)
class Planned:
    """What became of one command: an answer or the refusal to raise. `entries` is empty unless it is new."""

    command: Command
    outcome: Appended | LedgerError
    entries: tuple[EntryRow, ...] = ()

    @property
    def fresh(self) -> bool:
        """Whether this batch writes the command."""
        return bool(self.entries)


@dataclass(slots=True)
class Plan:
    """Rows to write and one outcome per command, in the order of the commands."""

    head: Head
    planned: list[Planned] = field(default_factory=list)
    entries: list[EntryRow] = field(default_factory=list)
    slots: list[tuple[int, SealedSlots]] = field(default_factory=list)
    streams: list[tuple[bytes, int, int]] = field(default_factory=list)
    seen: list[tuple[bytes, bytes, int, int]] = field(default_factory=list)
    claims: list[tuple[str, bytes, int]] = field(default_factory=list)
    balances: dict[BalanceKey, int] = field(default_factory=lambda: defaultdict(int))
    rules: list[RuleRow] = field(default_factory=list)


def wanted(commands: Iterable[Command]) -> Wanted:
    """Return what to read for these commands, each thing once."""
    commands = tuple(commands)
    drafts = [draft for command in commands for draft in command.drafts]
    return Wanted(
        streams=tuple(dict.fromkeys(c.stream for c in commands if c.stream is not None)),
        keys=tuple(dict.fromkeys(c.idempotency.key for c in commands if c.idempotency is not None)),
        claims=tuple(dict.fromkeys((claim.kind, claim.key) for c in commands for claim in claims_of(c))),
        guards=tuple(dict.fromkeys(name for c in commands for name in c.guards)),
        types=tuple(dict.fromkeys(draft.type for draft in drafts)),
        funds=tuple(dict.fromkeys(posting.fund for draft in drafts for posting in draft.postings)),
        pending=tuple(sorted({position for draft in drafts for position in _resolved(draft)})),
        closes=min((draft.period for draft in drafts if draft.type == CLOSED and draft.period), default=None),
    )


def claims_of(command: Command) -> tuple[Claim, ...]:
    """The claims of a command: its own, and one for everything pending that it resolves, which is done once."""
    resolved = (position for draft in command.drafts for position in _resolved(draft))
    return (*command.claims, *(Claim(RESOLVED, position.to_bytes(32, "big")) for position in resolved))


def _resolved(draft: Draft) -> Sequence[int]:
    """Positions that a draft resolves; those that no entry can have are left for the rules to refuse."""
    if draft.phase not in phases.RESOLVING:
        return ()
    return [position for position in draft.refers_to if 0 <= position <= INT_MAX]


def plan_batch(head: Head, state: State, commands: Sequence[Command], now_us: int) -> Plan:
    """Decide every command on what the commands before it leave behind. `now_us` is the database's clock.

    Refusals are outcomes, never raised. The returned plan's head is the row as it is to be written.
    """
    plan = Plan(head)
    for command in commands:
        try:
            planned = _plan_command(plan, state, command, now_us)
        except EntryError as error:
            planned = Planned(command, InvalidCommand(error.code, error.detail))
        except LedgerError as error:
            planned = Planned(command, error)
        plan.planned.append(planned)
    return plan


def _plan_command(plan: Plan, state: State, command: Command, now_us: int) -> Planned:
    replayed = _replayed(state, command)
    if replayed is not None:
        return Planned(command, replayed)
    if command.deadline_us is not None and now_us > command.deadline_us:
        raise Expired
    version = _check_stream(state, command)
    for claim in claims_of(command):
        if (taken := state.claims.get((claim.kind, claim.key))) is not None:
            raise ClaimTaken(claim.kind, taken)
    if not 1 <= len(command.drafts) <= DRAFTS_MAX:
        raise EntryError("entry-malformed", f"a command has {len(command.drafts)} drafts, not 1 to {DRAFTS_MAX}")
    trial = _Trial(plan.head, state, now_us)
    for draft in command.drafts:
        trial.add(draft)
    _check_guards(state, command, trial.balances)
    return _accept(plan, state, command, trial, version)


def _replayed(state: State, command: Command) -> Appended | None:
    """The first answer, if this key was used before for the same request (attacks B14)."""
    if command.idempotency is None:
        return None
    seen = state.seen.get(command.idempotency.key)
    if seen is None:
        return None
    if seen.request_hash != command.idempotency.request_hash:
        raise KeyReused(seen.first)
    version = state.streams.get(command.stream, 0) if command.stream is not None else 0
    return Appended(seen.first, seen.count, (), version, replayed=True)


def _check_stream(state: State, command: Command) -> int:
    if command.stream is None:
        return 0
    version = state.streams.get(command.stream, 0)
    if command.expected_version is not None and command.expected_version != version:
        raise VersionConflict(command.expected_version, version)
    return version


def _check_guards(state: State, command: Command, deltas: dict[BalanceKey, int]) -> None:
    for call in command.guards:
        if _is_broken(state.declared, call, state, deltas):
            raise GuardRefused(call)


def _is_broken(declared: Declared, call: str, state: State, deltas: dict[BalanceKey, int]) -> bool:
    name, subject = guards.parse_call(call)
    guard = declared.registry.guards.get(name)
    if guard is None:
        raise EntryError("data-invalid", f"the registry has no guard {name!r}")
    return guards.is_broken(guard, subject, state.balances, deltas)


class _Trial:
    """The entries of one command, built on a copy of what they may change; thrown away if one of them is refused."""

    def __init__(self, head: Head, state: State, now_us: int) -> None:
        self.head = head
        self.declared = state.declared
        self.pending = dict(state.pending)
        self.now_us = now_us
        self._state = state
        self.rows: list[EntryRow] = []
        self.slots: list[tuple[int, SealedSlots]] = []
        self.rules: list[RuleRow] = []
        self.entries: list[Entry] = []
        self.balances: dict[BalanceKey, int] = defaultdict(int)
        self._own_declared = False

    def add(self, draft: Draft) -> None:
        """Write `draft` at the next position, or raise EntryError with the rule it breaks."""
        head = self.head
        postings, splits = settle(draft.postings) if draft.postings else ((), ())
        at_us = _at(head, self.now_us)
        entry = Entry(
            log=head.origin,
            position=head.size,
            prev=head.last_leaf_hash,
            at_us=at_us,
            period=draft.period or times.month(at_us, times.zone(head.time_zone)),
            type=draft.type,
            data=draft.data,
            postings=postings,
            private_root=draft.private.root if draft.private is not None else None,
            phase=draft.phase,
            expires_at_us=draft.expires_at_us,
            refers_to=draft.refers_to,
        )
        self._check(entry)
        data = canonical.encode_entry(entry)
        leaf_hash = canonical.leaf_hash(data)
        self.rows.append(EntryRow(head.size, entry.type, entry.period, at_us, data, leaf_hash))
        if draft.private is not None:
            self.slots.append((head.size, draft.private))
        for index, owner, amount in splits:
            posting = postings[index]
            self.balances[posting.account, owner, posting.asset, posting.fund] += amount
        self._check_decision(entry)
        self.entries.append(entry)
        changes_rules = entry.type.startswith("ledger.")
        self.head = Head(  # spelled out: dataclasses.replace takes as long as all the hashing
            log=head.log,
            origin=head.origin,
            time_zone=head.time_zone,
            size=head.size + 1,
            last_leaf_hash=leaf_hash,
            last_at_us=at_us,
            epoch=head.epoch,
            rules_position=head.size if changes_rules else head.rules_position,
        )

    def _check(self, entry: Entry) -> None:
        """The rules that every verifier replays; what the writer writes, the verifier accepts."""
        if not self.declared.judge(entry):
            raise EntryError("data-invalid", f"type {entry.type[:80]!r} is not in the registry of this log")
        if any(position >= entry.position for position in entry.refers_to):
            raise EntryError("refers-invalid", "an entry refers to earlier positions only")
        phases.judge(entry, self.pending)
        phases.apply(entry, self.pending)
        if entry.type.startswith("ledger."):
            self._declare(entry)

    def _check_decision(self, entry: Entry) -> None:
        """A type that the registry holds to guards is a decision, wherever it comes from."""
        held = self.declared.registry.types[entry.type].guards
        for call in [f"{name}({fund})" for name in held for fund in sorted({p.fund for p in entry.postings})]:
            if _is_broken(self.declared, call, self._state, self.balances):
                raise GuardRefused(call)

    def _check_close(self, entry: Entry) -> None:
        sums = self._state.sums
        if sums is None or self.entries:
            raise EntryError("data-invalid", "a month is closed by a command of its own")
        if decode_digest(str(entry.data["balances"])) != balances_hash(sums.through(entry.period)):
            raise EntryError("data-invalid", f"data.balances is not the trial balance through {entry.period}")

    def _declare(self, entry: Entry) -> None:
        if not self._own_declared:
            self.declared = self.declared.copy()
            self._own_declared = True
        registry = self.declared.prepare(entry)
        if entry.type == CLOSED:
            self._check_close(entry)
        self.declared.apply(entry, registry)
        self.rules.extend(rule_rows(entry, self.declared))


def _accept(plan: Plan, state: State, command: Command, trial: _Trial, version: int) -> Planned:
    first, count = plan.head.size, len(trial.rows)
    if command.stream is not None:
        version += count
        state.streams[command.stream] = version
        plan.streams.append((command.stream, version - count + 1, first))
        plan.streams.extend((command.stream, version - count + 1 + n, first + n) for n in range(1, count))
    if command.idempotency is not None:
        key, request_hash = command.idempotency.key, command.idempotency.request_hash
        state.seen[key] = Seen(request_hash, first, count)
        plan.seen.append((key, request_hash, first, count))
    for claim in claims_of(command):
        state.claims[claim.kind, claim.key] = first
        plan.claims.append((claim.kind, claim.key, first))
    for balance, amount in trial.balances.items():
        plan.balances[balance] += amount
        state.balances.add(balance, amount)
    state.declared = trial.declared
    state.pending = trial.pending
    if state.sums is not None:
        for entry in trial.entries:
            state.sums.add(entry.period, entry.postings)
            if entry.type == CLOSED:
                state.sums.close(entry.period)
    plan.head = trial.head
    plan.entries.extend(trial.rows)
    plan.slots.extend(trial.slots)
    plan.rules.extend(trial.rules)
    leaf_hashes = tuple(row.leaf_hash for row in trial.rows)
    return Planned(command, Appended(first, count, leaf_hashes, version), tuple(trial.rows))


def _at(head: Head, now_us: int) -> int:
    """Time of the next entry: whole minutes that never go back in `public`, strictly rising microseconds elsewhere."""
    if head.log == "public":
        return max(now_us - now_us % MINUTE_US, head.last_at_us)
    return max(now_us, head.last_at_us + 1)
