"""The group-commit writer: what is queued while one batch commits goes together in the next (design/ledger.md 6).

No timer lingers: a lone command commits at once, and under load batches grow by themselves. What a caller hears is
durable. When the connection dies at COMMIT, nobody guesses: on a new connection the head is locked first, and only then
is the entry looked for (attacks E1). A COMMIT that did not wait for its standby is taken for one without an answer: the
transaction that looks for it locks a row, so its own COMMIT waits for the standby (attacks E5).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

import sql
from ledger.batches import BatchKey
from ledger.commit import BatchCommitter, CommitLost, Prepared
from ledger.errors import Busy, DatabaseUnavailable, Fenced, Halted, OutcomeUnknown, RejectedByDatabase, Unavailable
from ledger.outages import AWAY, LOST, is_away, reason
from ledger.partitions import Partitions, PartitionsMissing
from ledger.plan import Plan
from ledger.replication import Wait, watched
from ledger.transactions import refuse_inside
from ledger.types import Appended, Command, LogName

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

# A holder of the head that sleeps stops the ledger for everybody, so it loses the lock soon (attacks E11).
_BEGIN = "begin isolation level read committed; set local idle_in_transaction_session_timeout = '1s'"
_QUERIES = sql.load("ledger")
_log = logging.getLogger(__name__)

Outcome = Appended | Exception


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """How much is taken at once and kept waiting, how often and how long is tried."""

    batch_len_max: int = 1_024
    batch_bytes_max: int = 2 * 1024 * 1024
    ahead_len_min: int = 32
    outstanding_max: int = 4_096
    attempts_max: int = 5
    connect_timeout_s: float = 10.0
    resolve_timeout_s: float = 30.0
    resolve_pause_s: float = 0.2
    partition_entries: int = 4_194_304


@dataclass(slots=True)
class _Queued:
    command: Command
    bytes: int
    answer: asyncio.Future[Appended]


class Writer:
    """Appends to one log; one per log and process. Any number of processes may write to the same log.

    `clock` returns this machine's µs since 1970. `epoch` is the head's epoch as read when the process started.
    `companions`: SQL by the name that commands ask for. `on_commit` receives the new size after each commit.
    One connection of `pool` stays with the writer while it runs.
    """

    def __init__(  # noqa: PLR0913 - the writer's dependencies, each replaceable in a test
        self,
        pool: asyncpg.Pool,
        log: LogName,
        *,
        epoch: int,
        batch_key: BatchKey,
        clock: Callable[[], int],
        companions: Mapping[str, str] | None = None,
        limits: WriterLimits | None = None,
        on_commit: Callable[[int], None] = lambda _size: None,
    ) -> None:
        self.log = log
        self._pool = pool
        self._limits = limits or WriterLimits()
        self._on_commit = on_commit
        self._partitions = Partitions(pool, log, self._limits.partition_entries)
        self._committer = BatchCommitter(
            log,
            epoch=epoch,
            batch_key=batch_key,
            companions=companions or {},
            clock=clock,
            partitions=self._partitions,
        )
        self._connection: PoolConnectionProxy | None = None
        self._wait = Wait()
        self._reading: PoolConnectionProxy | None = None
        self._ahead: asyncio.Task[tuple[list[_Queued], Prepared | None]] | None = None
        self._prepared: Prepared | None = None
        self._queue: deque[_Queued] = deque()
        self._outstanding = 0
        self._ready = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    @property
    def outstanding(self) -> int:
        """Commands that wait for their answer."""
        return self._outstanding

    async def start(self) -> None:
        """Begin to take commands."""
        self._task = asyncio.create_task(self._run(), name=f"writer of {self.log}")

    async def close(self) -> None:
        """Take no more commands, commit those that wait, and end."""
        self._closing = True
        self._ready.set()
        if self._task is not None:
            await self._task
        await self._partitions.close()
        await self._release()
        reading, self._reading = self._reading, None
        await self._give_back(reading)

    async def append(self, command: Command) -> Appended:
        """Append, and return when it is durable.

        Raises ledger.errors: a `Refused` for this command alone, or `Unavailable` when nothing can be appended now.
        LookupError for a companion that is not registered.
        """
        refuse_inside("the writer")
        if command.companion is not None and command.companion.name not in self._committer.companions:
            raise LookupError(f"no companion {command.companion.name!r} is registered with the writer of {self.log}")
        if self._outstanding >= self._limits.outstanding_max:
            raise Busy(self._outstanding)
        if self._closing or self._task is None or self._task.done():
            raise DatabaseUnavailable("this process is stopping")
        answer: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._outstanding += 1
        try:
            self._queue.append(_Queued(command, _size_of(command), answer))
            self._ready.set()
            return await answer
        finally:
            self._outstanding -= 1

    async def _run(self) -> None:
        while True:
            await self._ready.wait()
            self._ready.clear()
            while batch := await self._next():
                outcomes = await self._settle([queued.command for queued in batch], self._prepared)
                # Told when this task next waits: what is planned already is sent first, or the database would wait.
                asyncio.get_running_loop().call_soon(_tell, batch, outcomes)
            if self._closing:
                return

    async def _next(self) -> list[_Queued]:
        """The batch that was planned while the last one was written, with its plan; or one that is not planned yet."""
        ahead, self._ahead, self._prepared = self._ahead, None, None
        if ahead is None:
            return self._take()
        batch, self._prepared = await ahead
        return batch

    def _departing(self, plan: Plan) -> None:
        """A batch is about to be written: plan the one after it meanwhile, if enough waits already."""
        if self._ahead is None and len(self._queue) >= self._limits.ahead_len_min and (batch := self._take()):
            self._ahead = asyncio.create_task(self._look_ahead(batch, plan), name=f"planning of {self.log}")

    async def _look_ahead(self, batch: list[_Queued], before: Plan) -> tuple[list[_Queued], Prepared | None]:
        """Plan `batch` on what `before` will leave. What stands in the way is met again when the batch is written."""
        try:
            if self._reading is None:
                self._reading = await self._pool.acquire(timeout=self._limits.connect_timeout_s)
            commands = [queued.command for queued in batch]
            return batch, await self._committer.ahead(self._reading, commands, before)
        except Exception as error:  # noqa: BLE001 - it must not end the writer, and is judged where it can be told
            _log.debug("%s: a batch could not be planned ahead (%s)", self.log, reason(error))
            reading, self._reading = self._reading, None
            await self._give_back(reading)
            return batch, None

    def _take(self) -> list[_Queued]:
        """What is written together: all that waits; half of it where the rest is worth planning meanwhile."""
        batch: list[_Queued] = []
        size = 0
        waiting = len(self._queue)
        may_halve = waiting >= 2 * self._limits.ahead_len_min and self._committer.may_plan_ahead(self._queue[0].command)
        most = (waiting + 1) // 2 if may_halve else waiting
        while self._queue and len(batch) < min(most, self._limits.batch_len_max):
            size += self._queue[0].bytes
            if batch and size > self._limits.batch_bytes_max:
                break
            queued = self._queue.popleft()
            # Whoever no longer waits has told nobody yet: his command need not be written.
            if not queued.answer.done():
                batch.append(queued)
        return batch

    async def _settle(self, commands: Sequence[Command], prepared: Prepared | None = None) -> list[Outcome]:
        """One outcome per command. A batch that the database rejects is halved until the culprit stands alone (E11)."""
        try:
            return await self._commit(commands, prepared)
        except Unavailable as error:
            return [error] * len(commands)
        except Exception as error:  # noqa: BLE001 - whatever one command causes must not reach the others
            if len(commands) > 1:
                middle = len(commands) // 2
                return [*await self._settle(commands[:middle]), *await self._settle(commands[middle:])]
            return [RejectedByDatabase(reason(error)) if isinstance(error, asyncpg.PostgresError) else error]

    async def _commit(self, commands: Sequence[Command], prepared: Prepared | None) -> list[Outcome]:
        lost: list[Plan] = []
        for _ in range(self._limits.attempts_max):
            try:
                plan = await self._attempt(commands, lost, prepared)
            except CommitLost as error:
                plan = error.plan
                if not await self._happened(plan):
                    lost += [plan] if plan.entries else []
                    continue
            except (Halted, Fenced):
                raise  # under the lock, and so for the lost statement as well
            except Exception as error:
                if lost:
                    # Its commands may be written yet, all of them: they can be neither refused nor tried in halves.
                    raise OutcomeUnknown from error
                raise
            if lost and not plan.entries:
                # Refused now, and written by the statement that may still arrive: neither can be told to a caller.
                raise OutcomeUnknown
            if plan.entries:
                self._partitions.keep_ahead(plan.head.size)
                self._on_commit(plan.head.size)
            return [planned.outcome for planned in plan.planned]
        if lost:
            raise OutcomeUnknown
        raise DatabaseUnavailable(f"the connection was lost at COMMIT {self._limits.attempts_max} times in a row")

    async def _attempt(self, commands: Sequence[Command], lost: Sequence[Plan], prepared: Prepared | None) -> Plan:
        """One batch, committed. Raises DatabaseUnavailable when it certainly was not, CommitLost when nobody knows.

        `lost`: earlier attempts at the same batch, which may have been on their way still when they were looked for.
        """
        try:
            connection = await self._connected()
            while True:
                try:
                    done = await self._committer.unlocked(connection, commands, prepared, departing=self._departing)
                    done = done or await self._locked(connection, commands, lost)
                except PartitionsMissing as missing:
                    await self._partitions.extend(connection, missing.size)
                else:
                    if self._wait.was_given_up:
                        raise CommitLost(done)
                    return done
        except CommitLost:
            await self._release()
            raise
        except Exception as error:
            if not is_away(error):
                raise
            await self._release()
            raise DatabaseUnavailable(reason(error)) from error

    async def _locked(self, connection: PoolConnectionProxy, commands: Sequence[Command], lost: Sequence[Plan]) -> Plan:
        """One transaction. COMMIT has no timeout: asyncpg would answer one with a cancel request (attacks E5)."""
        await connection.execute(_BEGIN)
        try:
            plan = await self._arrived(connection, lost) or await self._committer.locked(connection, commands)
        except BaseException:
            with contextlib.suppress(*AWAY):
                await connection.execute("rollback")
            raise
        try:
            await connection.execute("commit")
        except LOST as error:
            raise CommitLost(plan) from error
        self._committer.committed(plan)
        return plan

    async def _happened(self, plan: Plan) -> bool:
        """Whether the batch whose COMMIT was lost is there. A COMMIT that is still under way holds the head."""
        if not plan.entries:
            return False
        deadline = asyncio.get_running_loop().time() + self._limits.resolve_timeout_s
        while asyncio.get_running_loop().time() < deadline and not self._pool.is_closing():
            try:
                async with self._pool.acquire() as connection, watched(connection) as wait:
                    async with connection.transaction(isolation="read_committed"):
                        happened = await self._arrived(connection, [plan])
                    if wait.was_given_up:
                        raise DatabaseUnavailable("no standby confirms what was committed")  # noqa: TRY301 - as any
            except (*AWAY, DatabaseUnavailable) as error:
                _log.warning("%s: the outcome of a COMMIT is not known yet (%s)", self.log, reason(error))
                await asyncio.sleep(self._limits.resolve_pause_s)
            except Exception as error:
                # Whatever this is, nobody may take it for a batch that was rejected, and try that in halves.
                raise OutcomeUnknown from error
            else:
                return happened is not None
        raise OutcomeUnknown

    async def _arrived(self, connection: PoolConnectionProxy, lost: Sequence[Plan]) -> Plan | None:
        """Which of these was committed after all; asked under the head's lock, in the caller's transaction.

        A statement sent without that lock may be done after its connection died, and even after it was looked for
        once. So whoever tries again looks again, in the transaction that moves the head and so keeps it out.
        """
        if lost:
            await connection.fetchrow(_QUERIES.lock_head, self.log)
        for plan in lost:
            first = plan.entries[0]
            if await connection.fetchval(_QUERIES.leaf_hash_at, self.log, first.position) == first.leaf_hash:
                return plan
        return None

    async def _connected(self) -> PoolConnectionProxy:
        if self._connection is not None and _has_ended(self._connection):
            await self._release()
        if self._connection is None:
            self._connection = await self._pool.acquire(timeout=self._limits.connect_timeout_s)
            self._wait = Wait()
            self._connection.add_log_listener(self._wait.hear)
        return self._connection

    async def _release(self) -> None:
        connection, self._connection = self._connection, None
        await self._give_back(connection)

    async def _give_back(self, connection: PoolConnectionProxy | None) -> None:
        if connection is not None:
            with contextlib.suppress(*AWAY):
                connection.remove_log_listener(self._wait.hear)
                await self._pool.release(connection)


async def create_log(
    connection: asyncpg.Connection | PoolConnectionProxy, log: LogName, *, origin: str, mode: str, time_zone: str
) -> None:
    """Create a log without entries. Its genesis is its first append (ledger.genesis)."""
    await connection.execute(_QUERIES.create_head, log, origin, mode, time_zone)


def _has_ended(connection: PoolConnectionProxy) -> bool:
    """Whether the connection is gone; the pool may have taken it back by itself, and then it says nothing any more."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


def _tell(batch: Sequence[_Queued], outcomes: Sequence[Outcome]) -> None:
    for queued, outcome in zip(batch, outcomes, strict=True):
        _answer(queued.answer, outcome)


def _answer(answer: asyncio.Future[Appended], outcome: Outcome) -> None:
    if answer.done():
        return
    if isinstance(outcome, Appended):
        answer.set_result(outcome)
    else:
        answer.set_exception(outcome)


def _size_of(command: Command) -> int:
    """About what a command adds to a batch, in bytes."""
    return sum(
        1_024
        + sum(len(value) for value in draft.data.values() if isinstance(value, str))
        + (sum(len(box.ciphertext) for box in draft.private.boxes) if draft.private is not None else 0)
        for draft in command.drafts
    )
