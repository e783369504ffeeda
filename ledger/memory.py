"""A log in memory with the promises of `store.Writer` and `reader.LogReader`: for tests of what stands above them.

It passes the same contract suite as the Postgres store. What it cannot have, because it is alone and never away:
batches, rivals, back-pressure, unknown outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ledger import canonical, phases, times
from ledger.balances import Balances
from ledger.canonical import EMPTY_HASH
from ledger.declared import CLOSED, Declared
from ledger.errors import DatabaseUnavailable, Halted, LedgerError, RejectedByDatabase
from ledger.guards import BalanceKey, Sums
from ledger.plan import Plan, Planned, Seen, State, Wanted, plan_batch, wanted
from ledger.reader import BYTES_PER_READ_MAX, ENTRIES_PER_READ_MAX, within
from ledger.transactions import refuse_inside
from ledger.types import Appended, Command, Head, LogName, SealedSlots, StoredEntry


@dataclass(frozen=True, slots=True)
class Accompanied:
    """What a companion is told: its payload, and where its command stands. `fresh` is False for a replayed command."""

    payload: Mapping[str, object]
    first: int
    count: int
    fresh: bool


class MemoryStore:
    """One log: `append` as the writer's, the reads as the reader's.

    `clock` returns µs since 1970. `companions` are called by the name that commands ask for; one that raises has its
    command refused, and nothing of the command is kept.
    """

    def __init__(
        self,
        log: LogName,
        *,
        origin: str,
        clock: Callable[[], int],
        time_zone: str = "UTC",
        companions: Mapping[str, Callable[[Accompanied], None]] | None = None,
    ) -> None:
        self.log = log
        self.balances: dict[BalanceKey, int] = {}
        self._clock = clock
        self._companions = companions or {}
        self._head = Head(log, origin, time_zone, 0, EMPTY_HASH, 0, 1, -1)
        self._declared = Declared(log, time_zone=times.zone(time_zone), time_zone_name=time_zone)
        self._entries: list[StoredEntry] = []
        self._slots: dict[int, SealedSlots] = {}
        self._streams: dict[bytes, list[int]] = {}
        self._seen: dict[bytes, Seen] = {}
        self._claims: dict[tuple[str, bytes], int] = {}
        self._pending: dict[int, int] = {}
        self._sums = Balances()
        self._open = False

    async def start(self) -> None:
        """Begin to take commands."""
        self._open = True

    async def close(self) -> None:
        """Take no more commands."""
        self._open = False

    async def append(self, command: Command) -> Appended:
        """Append one command; as `store.Writer.append`."""
        refuse_inside("the writer")
        if command.companion is not None and command.companion.name not in self._companions:
            raise LookupError(f"no companion {command.companion.name!r} is registered with the writer of {self.log}")
        if not self._open:
            raise DatabaseUnavailable("this process is stopping")
        if self._head.halted is not None:
            raise Halted(self.log, self._head.halted)
        state = self._state(wanted([command]))
        plan = plan_batch(self._head, state, [command], self._clock())
        planned = plan.planned[0]
        if isinstance(planned.outcome, LedgerError):
            raise planned.outcome
        self._accompany(planned, planned.outcome)
        self._keep(plan, state)
        return planned.outcome

    def halt(self, reason: str) -> None:
        """Stop appends, as a signer does that disagrees."""
        self._head = replace(self._head, halted=reason)

    async def head(self) -> Head | None:
        """Return the head as it is now."""
        return self._head

    async def existing_head(self) -> Head:
        """Return the head as it is now."""
        return self._head

    async def entries(
        self, start: int, limit: int = ENTRIES_PER_READ_MAX, *, bytes_max: int = BYTES_PER_READ_MAX
    ) -> list[StoredEntry]:
        """Return the entries from `start` on: at most `limit`, about `bytes_max`, at least one if there is one."""
        return within(self._entries[start : start + min(limit, ENTRIES_PER_READ_MAX)], bytes_max)

    async def stream(self, stream: bytes) -> list[StoredEntry]:
        """Return a stream's entries in the order of their versions; its version is their number."""
        return [self._entries[position] for position in self._streams.get(stream, [])]

    async def slots(self, positions: Sequence[int]) -> dict[int, SealedSlots]:
        """Return the sealed slots of those entries that have them, by position."""
        return {position: self._slots[position] for position in positions if position in self._slots}

    def _state(self, wants: Wanted) -> State:
        """A copy of what planning needs, so that a command that is refused late leaves nothing behind."""
        return State(
            self._declared,
            {stream: len(self._streams[stream]) for stream in wants.streams if stream in self._streams},
            {key: self._seen[key] for key in wants.keys if key in self._seen},
            {claim: self._claims[claim] for claim in wants.claims if claim in self._claims},
            Sums(self.balances),
            {position: self._pending[position] for position in wants.pending if position in self._pending},
            Balances.from_snapshot(self._sums.snapshot()) if wants.closes else None,
        )

    def _accompany(self, planned: Planned, outcome: Appended) -> None:
        companion = planned.command.companion
        if companion is None:
            return
        try:
            self._companions[companion.name](
                Accompanied(companion.payload, outcome.first, outcome.count, planned.fresh)
            )
        except Exception as error:
            raise RejectedByDatabase(type(error).__name__) from error

    def _keep(self, plan: Plan, state: State) -> None:
        self._head = plan.head
        self._declared = state.declared
        self._entries += [StoredEntry(r.position, r.type, r.at_us, r.bytes, r.leaf_hash) for r in plan.entries]
        self._slots.update(plan.slots)
        for stream, _, position in plan.streams:
            self._streams.setdefault(stream, []).append(position)
        for key, request_hash, first, count in plan.seen:
            self._seen[key] = Seen(request_hash, first, count)
        for kind, key, position in plan.claims:
            self._claims[kind, key] = position
        for balance, amount in plan.balances.items():
            self.balances[balance] = self.balances.get(balance, 0) + amount
        for row in plan.entries:
            entry = canonical.parse_entry(row.bytes)
            phases.apply(entry, self._pending)
            self._sums.add(entry.period, entry.postings)
            if entry.type == CLOSED:
                self._sums.close(entry.period)
