"""One batch, one transaction: lock the head, read, plan, write, move the head, commit (design/ledger.md 6).

The head lock and the reads are separate statements at READ COMMITTED: a read in the statement that waits for the lock
would see the state from before the wait, and overdraw (attacks E2). The head moves by compare-and-swap on size and on
the epoch this process started with, so that a fenced process cannot append (attacks E4).
"""

from __future__ import annotations

import base64
import contextlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

import sql
from ledger import guards
from ledger.batches import BatchKey, statement
from ledger.errors import ClockSkew, EntryError, Fenced, Halted
from ledger.plan import Plan, Seen, State, Wanted, plan_batch, wanted
from ledger.rules import declared_from
from ledger.types import Appended, Command, Head, LogName, SealedSlots

if TYPE_CHECKING:
    import asyncpg

    from ledger.declared import Declared

CLOCK_SKEW_US_MAX = 2_000_000
LAST_AT_AHEAD_US_MAX = 5_000_000

_QUERIES = sql.load("ledger")


class PartitionsMissing(Exception):
    """The batch would pass the last partition."""


@dataclass(slots=True)
class _CachedRules:
    position: int
    declared: Declared


class BatchCommitter:
    """Writes batches of one log. Holds what may be kept between batches: the rules in force and the partitions' end."""

    def __init__(
        self,
        log: LogName,
        *,
        epoch: int,
        batch_key: BatchKey,
        companions: Mapping[str, str],
        clock: Callable[[], int],
    ) -> None:
        self.log = log
        self.partitions_end = 0
        self._epoch = epoch
        self._batch_key = batch_key
        self._companions = companions
        self._clock = clock
        self._rules: _CachedRules | None = None

    async def prepare(self, connection: asyncpg.pool.PoolConnectionProxy, commands: Sequence[Command]) -> Plan:
        """Do everything but COMMIT, inside the transaction that the caller has begun.

        Raises Halted, Fenced, ClockSkew or PartitionsMissing, and whatever the database rejects.
        """
        row = await connection.fetchrow(_QUERIES.lock_head, self.log)
        if row is None:
            raise LookupError(f"the log {self.log} was not created")
        head = self._check_head(row)
        wants = wanted(commands)
        state = await self._state(connection, head, wants)
        plan = plan_batch(head, state, commands, row["now_us"])
        if plan.head.size > self.partitions_end:
            raise PartitionsMissing
        if plan.entries:
            await self._write(connection, head, plan)
            # Rules that a rolled-back batch declared must not stay; they are read again under the next lock.
            if plan.rules:
                self._rules = None
        await self._accompany(connection, plan)
        return plan

    def _check_head(self, row: asyncpg.Record) -> Head:
        fields = dict(row)
        now_us = fields.pop("now_us")
        head = Head(**fields)
        if head.halted is not None:
            raise Halted(self.log, head.halted)
        if head.epoch != self._epoch:
            raise Fenced(self.log, self._epoch, head.epoch)
        skew = self._clock() - now_us
        if abs(skew) > CLOCK_SKEW_US_MAX:
            raise ClockSkew(f"this machine is {skew / 1e6:+.1f} s off the database's clock; set one of them right")
        if head.last_at_us > now_us + LAST_AT_AHEAD_US_MAX:
            ahead = (head.last_at_us - now_us) / 1e6
            raise ClockSkew(f"the newest entry is {ahead:.1f} s ahead of the database's clock; set it right or wait")
        return head

    async def _state(self, connection: asyncpg.pool.PoolConnectionProxy, head: Head, wants: Wanted) -> State:
        state = State(await self._declared(connection, head))
        if wants.streams or wants.keys or wants.claims:
            kinds, keys = [kind for kind, _ in wants.claims], [key for _, key in wants.claims]
            rows = await connection.fetch(_QUERIES.state, self.log, wants.streams, wants.keys, kinds, keys)
            for kind, key, name, one, two, request_hash in rows:
                if kind == "s":
                    state.streams[key] = one
                elif kind == "i":
                    state.seen[key] = Seen(request_hash, one, two)
                else:
                    state.claims[name, key] = one
        if wants.guards:
            accounts = _guarded_accounts(state.declared, wants.guards)
            rows = await connection.fetch(_QUERIES.guard_balances, self.log, accounts)
            state.balances = {(r["account"], r["owner"], r["asset"], r["fund"]): int(r["balance"]) for r in rows}
        return state

    async def _declared(self, connection: asyncpg.pool.PoolConnectionProxy, head: Head) -> Declared:
        if self._rules is None or self._rules.position != head.rules_position:
            rows = await connection.fetch(_QUERIES.rules, self.log)
            declared = declared_from(
                self.log, head.time_zone, ((r["kind"], r["name"], orjson.loads(r["data"])) for r in rows)
            )
            self._rules = _CachedRules(head.rules_position, declared)
        return self._rules.declared

    async def _write(self, connection: asyncpg.pool.PoolConnectionProxy, head: Head, plan: Plan) -> None:
        after = plan.head
        last = after.size - 1
        signature = self._batch_key.sign(statement(head.origin, head.epoch, head.size, last, after.last_leaf_hash))
        moved = await connection.fetchval(
            _QUERIES.write_batch,
            self.log,
            head.size,
            after.size,
            self._epoch,
            *_columns(plan.entries, "position", "type", "period", "at_us", "bytes", "leaf_hash"),
            [position for position, _ in plan.slots],
            [sealed.slot_hashes for _, sealed in plan.slots],
            [boxes_to_json(sealed) for _, sealed in plan.slots],
            *_transposed(plan.streams, 3),
            *_transposed(plan.seen, 4),
            *_transposed(plan.claims, 3),
            *_transposed([(*key, amount) for key, amount in plan.balances.items()], 5),
            *_transposed([(r.kind, r.name, r.position, orjson.dumps(r.data).decode()) for r in plan.rules], 4),
            signature,
            after.last_leaf_hash,
            after.last_at_us,
            after.rules_position,
        )
        if moved is None:
            raise Fenced(self.log, self._epoch, head.epoch)

    async def _accompany(self, connection: asyncpg.pool.PoolConnectionProxy, plan: Plan) -> None:
        rows: defaultdict[str, list[tuple[str, int, int, bool]]] = defaultdict(list)
        for planned in plan.planned:
            companion, outcome = planned.command.companion, planned.outcome
            if companion is not None and isinstance(outcome, Appended):
                payload = orjson.dumps(companion.payload).decode()
                rows[companion.name].append((payload, outcome.first, outcome.count, planned.fresh))
        for name, work in rows.items():
            await connection.execute(self._companions[name], *_transposed(work, 4))


def boxes_to_json(sealed: SealedSlots) -> str:
    """Return the sealed boxes as they are stored; `ledger.reader` reads them back."""
    boxes = [
        {
            "group": box.group,
            "key_id": box.key_id,
            "wrapped_key": base64.b64encode(box.wrapped_key).decode(),
            "nonce": base64.b64encode(box.nonce).decode(),
            "ciphertext": base64.b64encode(box.ciphertext).decode(),
        }
        for box in sealed.boxes
    ]
    return orjson.dumps(boxes).decode()


def _guarded_accounts(declared: Declared, calls: Sequence[str]) -> list[str]:
    """Accounts behind the guards that exist; a command that names another guard is refused by the plan, alone."""
    accounts: set[str] = set()
    for call in calls:
        with contextlib.suppress(EntryError, KeyError):
            accounts.update(declared.registry.guards[guards.parse_call(call)[0]].accounts)
    return sorted(accounts)


def _columns(rows: Sequence[object], *names: str) -> list[list[Any]]:
    return [[getattr(row, name) for row in rows] for name in names]


def _transposed(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows as columns, for unnest; `width` columns even of no rows."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
