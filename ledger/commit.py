"""One batch, one transaction, in one of two ways (design/ledger.md 6).

Under the lock: lock the head, read, plan, write, COMMIT. The head lock and the reads are separate statements at READ
COMMITTED: a read in the statement that waits for the lock would see the state from before the wait (attacks E2).

Without the lock, while this process finds itself the only writer: read, plan on the head as this process left it, and
write in one statement that does nothing unless the head still stands there. Every change of what was read moves the
head's size, so a head that has not moved proves the reads; one that has, or that is halted or of another epoch, costs a
second attempt, under the lock. Both ways move the head by compare-and-swap on size and on the epoch this process
started with, and that first of all, so that a fenced process writes nothing (attacks E4).

While one batch is written the next is planned on the head that it will leave (`ahead`). What is read for it meanwhile
may or may not show the batch in between; laying that batch's own rows over it makes both the same. If the batch in
between does not arrive, nothing stands at that head, and the plan is thrown away.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

import sql
from ledger import canonical, clocks, guards, times
from ledger.batches import BatchKey, statement
from ledger.errors import ClockSkew, Fenced, Halted
from ledger.guards import Looks
from ledger.outages import LOST, is_away
from ledger.partitions import Partitions, PartitionsMissing
from ledger.plan import Plan, Seen, State, Wanted, plan_batch, wanted
from ledger.rows import parameters, transposed
from ledger.rules import declared_from
from ledger.sums import sums_after
from ledger.types import Appended, Command, Head, LogName

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    from ledger.declared import Declared

CLOCK_AGE_S_MAX = 1.0

_QUERIES = sql.load("ledger")


class CommitLost(Exception):
    """The connection died while it committed `plan`: whether that happened has to be asked (attacks E1)."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch that is planned on `head` and not written yet."""

    head: Head
    plan: Plan


@dataclass(frozen=True, slots=True)
class _NotedClock:
    """What the database's clock said when the loop's said `at_s`."""

    now_us: int
    at_s: float


@dataclass(slots=True)
class _CachedRules:
    position: int
    declared: Declared


class BatchCommitter:
    """Writes batches of one log. Keeps between batches: the rules in force, and the head as this process left it."""

    def __init__(  # noqa: PLR0913 - what a batch stands on
        self,
        log: LogName,
        *,
        epoch: int,
        batch_key: BatchKey,
        companions: Mapping[str, str],
        clock: Callable[[], int],
        partitions: Partitions,
    ) -> None:
        self.log = log
        self.companions = companions
        self._epoch = epoch
        self._batch_key = batch_key
        self._clock = clock
        self._partitions = partitions
        self._rules: _CachedRules | None = None
        self._left: Head | None = None
        self._alone = False
        self._noted = _NotedClock(0, -math.inf)

    async def unlocked(
        self,
        connection: PoolConnectionProxy,
        commands: Sequence[Command],
        prepared: Prepared | None = None,
        *,
        departing: Callable[[Plan], None] = lambda _plan: None,
    ) -> Plan | None:
        """Commit a batch on the head as this process left it; None, and nothing done, where that is not to be had.

        `prepared`: what `ahead` planned for these commands. `departing` is told of the plan just before it is sent.
        Raises CommitLost, PartitionsMissing, and whatever the database rejects.
        """
        head = self._left
        if head is None or not self._fits(commands):
            return None
        self._left = None
        if prepared is None or prepared.head is not head:
            prepared = await self._prepare(connection, commands, head, None)
        if prepared is None:
            return None
        plan = prepared.plan
        departing(plan)
        try:
            moved = await self._write(connection, head, plan)
        except LOST as error:
            if not is_away(error):
                raise
            raise CommitLost(plan) from error
        if not moved:
            return None
        self.committed(plan)
        return plan

    async def ahead(
        self, connection: PoolConnectionProxy, commands: Sequence[Command], before: Plan
    ) -> Prepared | None:
        """Plan a batch on the head that `before`, which is being written, will leave; None where it has to wait.

        What is judged by sums or by pending entries waits: a sum that may or may not hold `before` is no sum.
        """
        if before.rules or not self._fits(commands):
            return None
        return await self._prepare(connection, commands, before.head, before)

    def may_plan_ahead(self, command: Command) -> bool:
        """Whether a batch that begins with `command` is likely to be written without the lock."""
        return self._fits([command])

    def _fits(self, commands: Sequence[Command]) -> bool:
        return self._alone and all(command.companion is None for command in commands)

    async def _prepare(
        self, connection: PoolConnectionProxy, commands: Sequence[Command], head: Head, before: Plan | None
    ) -> Prepared | None:
        wants = wanted(commands)
        state = await self._state(connection, head, wants)
        if before is not None and (_looks(state.declared, wants) or wants.pending or wants.closes):
            return None
        if wants.streams or wants.keys or wants.claims or (now_us := self._carried_on()) is None:
            now_us = await self._read(connection, wants, state)
        if self._is_skewed(now_us) or self._is_ahead(head, now_us):
            return None
        if before is not None:
            state.lay_over(before)
        plan = self._plan(head, state, commands, now_us)
        # Without entries nothing would be written that could prove the reads, and a refusal has to be right as well.
        return Prepared(head, plan) if plan.entries else None

    async def locked(self, connection: PoolConnectionProxy, commands: Sequence[Command]) -> Plan:
        """Do everything but COMMIT, inside the transaction that the caller has begun. `committed` is to follow COMMIT.

        Raises Halted, Fenced, ClockSkew or PartitionsMissing, and whatever the database rejects.
        """
        before, self._left = self._left, None
        head, now_us = await self._lock(connection)
        self._alone = before is not None and before.size == head.size
        wants = wanted(commands)
        state = await self._state(connection, head, wants)
        if wants.streams or wants.keys or wants.claims:
            read_us = await self._read(connection, wants, state)
            # The clock may have jumped since it was looked at with the lock: an unchecked reading dates no entry (E12).
            now_us = now_us if self._is_skewed(read_us) else read_us
        plan = self._plan(head, state, commands, now_us)
        if plan.entries and not await self._write(connection, head, plan):
            raise Fenced(self.log, self._epoch, head.epoch)
        await self._accompany(connection, plan)
        return plan

    def committed(self, plan: Plan) -> None:
        """Remember where `plan` left the head. Rules that it changed are read again, from what is now committed."""
        self._left = plan.head
        if plan.rules:
            self._rules = None

    async def _lock(self, connection: PoolConnectionProxy) -> tuple[Head, int]:
        row = await connection.fetchrow(_QUERIES.lock_head, self.log)
        if row is None:
            raise LookupError(f"the log {self.log} was not created")
        fields = dict(row)
        now_us = fields.pop("now_us")
        head = Head(**fields)
        if head.halted is not None:
            raise Halted(self.log, head.halted)
        if head.epoch != self._epoch:
            raise Fenced(self.log, self._epoch, head.epoch)
        if self._is_skewed(now_us):
            # That reading may be as old as the wait for the lock: read once more before calling a clock wrong.
            earliest = self._clock()
            now_us = await connection.fetchval(_QUERIES.clock)
            if (wrong := clocks.why_not(earliest, now_us, self._clock())) is not None:
                raise ClockSkew(wrong)
        if (early := clocks.why_not_yet(head.last_at_us, now_us)) is not None:
            raise ClockSkew(early)
        return head, now_us

    def _is_skewed(self, now_us: int) -> bool:
        return abs(self._clock() - now_us) > clocks.CLOCK_SKEW_US_MAX

    @staticmethod
    def _is_ahead(head: Head, now_us: int) -> bool:
        return clocks.why_not_yet(head.last_at_us, now_us) is not None

    def _plan(self, head: Head, state: State, commands: Sequence[Command], now_us: int) -> Plan:
        plan = plan_batch(head, state, commands, now_us)
        if plan.head.size > self._partitions.end:
            raise PartitionsMissing(plan.head.size)
        return plan

    async def _state(self, connection: PoolConnectionProxy, head: Head, wants: Wanted) -> State:
        """What the log has declared, and the balances that guards look at."""
        state = State(await self._declared(connection, head))
        if looks := _looks(state.declared, wants):
            accounts = {*looks.by_fund, *looks.by_owner}
            assets = {asset for account, asset in state.declared.accounts if account in accounts}
            own = (looks.by_owner, state.declared.funds, looks.owners)
            for row in await connection.fetch(
                _QUERIES.guard_balances, self.log, assets, looks.by_fund, looks.funds, *own
            ):
                state.balances.put(row["account"], row["fund"] or row["owner"], row["asset"], int(row["balance"]))
        if wants.pending:
            rows = await connection.fetch(_QUERIES.pending, self.log, wants.pending)
            entries = (canonical.parse_entry(row["bytes"]) for row in rows)
            state.pending = {e.position: e.expires_at_us for e in entries if e.expires_at_us is not None}
        if wants.closes:
            month = times.month_before(wants.closes)
            state.sums = await sums_after(connection, self.log, month, state.declared.time_zone)
        return state

    async def _read(self, connection: PoolConnectionProxy, wants: Wanted, state: State) -> int:
        """Fill `state` with stream versions, idempotency keys and claims; return the database's clock."""
        now_us = 0
        kinds, keys = [kind for kind, _ in wants.claims], [key for _, key in wants.claims]
        for kind, key, name, one, two, request_hash in await connection.fetch(
            _QUERIES.state, self.log, wants.streams, wants.keys, kinds, keys
        ):
            if kind == "t":
                now_us = one
            elif kind == "s":
                state.streams[key] = one
            elif kind == "i":
                state.seen[key] = Seen(request_hash, one, two)
            else:
                state.claims[name, key] = one
        return now_us

    async def _declared(self, connection: PoolConnectionProxy, head: Head) -> Declared:
        if self._rules is None or self._rules.position != head.rules_position:
            rows = await connection.fetch(_QUERIES.rules, self.log)
            declared = declared_from(
                self.log, head.time_zone, ((r["kind"], r["name"], orjson.loads(r["data"])) for r in rows)
            )
            self._rules = _CachedRules(head.rules_position, declared)
        return self._rules.declared

    async def _write(self, connection: PoolConnectionProxy, head: Head, plan: Plan) -> bool:
        """Write the plan if the head still stands at `head`; whether it did."""
        after = plan.head
        text = statement(head.origin, head.epoch, head.size, after.size - 1, after.last_leaf_hash)
        signature = self._batch_key.sign(text)
        now_us = await connection.fetchval(_QUERIES.write_batch, *parameters(head, plan, signature))
        if now_us is None:
            return False
        self._noted = _NotedClock(now_us, asyncio.get_running_loop().time())
        return True

    def _carried_on(self) -> int | None:
        """The database's clock as the last write told it, carried on by this machine's; None when that is too old.

        A round trip less for whoever appends alone. The clocks are compared as with a reading of this moment.
        """
        age_s = asyncio.get_running_loop().time() - self._noted.at_s
        return self._noted.now_us + int(age_s * 1_000_000) if age_s <= CLOCK_AGE_S_MAX else None

    async def _accompany(self, connection: PoolConnectionProxy, plan: Plan) -> None:
        rows: defaultdict[str, list[tuple[str, int, int, bool]]] = defaultdict(list)
        for planned in plan.planned:
            companion, outcome = planned.command.companion, planned.outcome
            if companion is not None and isinstance(outcome, Appended):
                payload = orjson.dumps(companion.payload).decode()
                rows[companion.name].append((payload, outcome.first, outcome.count, planned.fresh))
        for name, work in rows.items():
            await connection.execute(self.companions[name], *transposed(work, 4))


def _looks(declared: Declared, wants: Wanted) -> Looks:
    """What the guards of these commands look at."""
    registry = declared.registry
    held = [
        name for type_name in wants.types if type_name in registry.types for name in registry.types[type_name].guards
    ]
    return guards.looks(registry.guards, held, wants.funds, wants.guards)
