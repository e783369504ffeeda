"""The group-commit writer: what is queued while one batch commits goes together in the next (design/ledger.md 6).

No timer lingers: a lone command commits at once, and under load batches grow by themselves. What a caller hears is
durable. When the connection dies at COMMIT, nobody guesses: on a new connection the head is locked first, and only then
is the entry looked for (attacks E1).
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
from ledger.commit import BatchCommitter, PartitionsMissing
from ledger.errors import Busy, DatabaseUnavailable, LedgerError, OutcomeUnknown, RejectedByDatabase, Unavailable
from ledger.plan import Plan
from ledger.transactions import refuse_inside
from ledger.types import Appended, Command, LogName

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

_QUERIES = sql.load("ledger")
_log = logging.getLogger(__name__)

Outcome = Appended | Exception


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """How much is taken at once and kept waiting, and how long an unknown outcome is asked for."""

    batch_len_max: int = 1_024
    batch_bytes_max: int = 2 * 1024 * 1024
    outstanding_max: int = 4_096
    resolve_timeout_s: float = 30.0
    resolve_pause_s: float = 0.2
    partition_entries: int = 4_194_304


@dataclass(slots=True)
class _Queued:
    command: Command
    bytes: int
    answer: asyncio.Future[Appended]


class _CommitLost(Exception):
    """The connection died at COMMIT."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan


class Writer:
    """Appends to one log; one per log and process. Any number of processes may write to the same log.

    `clock` returns this machine's µs since 1970. `epoch` is the head's epoch as read when the process started.
    `companions`: SQL by the name that commands ask for. `on_commit` receives the new size after each commit.
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
        self._committer = BatchCommitter(
            log, epoch=epoch, batch_key=batch_key, companions=companions or {}, clock=clock
        )
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

    async def append(self, command: Command) -> Appended:
        """Append, and return when it is durable.

        Raises ledger.errors: a `Refused` for this command alone, or `Unavailable` when nothing can be appended now.
        """
        refuse_inside("the writer")
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
            while batch := self._take():
                outcomes = await self._settle([queued.command for queued in batch])
                for queued, outcome in zip(batch, outcomes, strict=True):
                    _answer(queued.answer, outcome)
            if self._closing:
                return

    def _take(self) -> list[_Queued]:
        batch: list[_Queued] = []
        size = 0
        while self._queue and len(batch) < self._limits.batch_len_max:
            size += self._queue[0].bytes
            if batch and size > self._limits.batch_bytes_max:
                break
            queued = self._queue.popleft()
            # Whoever no longer waits has told nobody yet: his command need not be written.
            if not queued.answer.done():
                batch.append(queued)
        return batch

    async def _settle(self, commands: Sequence[Command]) -> list[Outcome]:
        """One outcome per command. A batch that the database rejects is halved until the culprit stands alone (E11)."""
        try:
            return await self._commit(commands)
        except Unavailable as error:
            return [error] * len(commands)
        except Exception as error:  # noqa: BLE001 - whatever one command causes must not reach the others
            if len(commands) > 1:
                middle = len(commands) // 2
                return [*await self._settle(commands[:middle]), *await self._settle(commands[middle:])]
            return [RejectedByDatabase(_reason(error)) if isinstance(error, asyncpg.PostgresError) else error]

    async def _commit(self, commands: Sequence[Command]) -> list[Outcome]:
        try:
            plan = await self._attempt(commands)
        except _CommitLost as lost:
            if not await self._happened(lost.plan):
                return await self._commit(commands)
            plan = lost.plan
        if plan.entries:
            self._on_commit(plan.head.size)
        return [planned.outcome for planned in plan.planned]

    async def _attempt(self, commands: Sequence[Command]) -> Plan:
        try:
            async with self._pool.acquire() as connection:
                while True:
                    try:
                        return await self._transact(connection, commands)
                    except PartitionsMissing:
                        await self._add_partitions(connection, len(commands))
        except ValueError:  # asyncpg's own error for a parameter it cannot encode is an InterfaceError too
            raise
        except _UNAVAILABLE as error:
            raise DatabaseUnavailable(_reason(error)) from error

    async def _transact(self, connection: PoolConnectionProxy, commands: Sequence[Command]) -> Plan:
        """One transaction. COMMIT has no timeout: asyncpg would answer one with a cancel request (attacks E5)."""
        await connection.execute("begin isolation level read committed")
        try:
            plan = await self._committer.prepare(connection, commands)
        except BaseException:
            with contextlib.suppress(*_UNAVAILABLE):
                await connection.execute("rollback")
            raise
        try:
            await connection.execute("commit")
        except _LOST as error:
            raise _CommitLost(plan) from error
        return plan

    async def _add_partitions(self, connection: PoolConnectionProxy, commands_len: int) -> None:
        """Make partitions ahead of the size; the end that the plan is held against is read again."""
        size = await connection.fetchval("select size from ledger_heads where log = $1", self.log)
        entries = self._limits.partition_entries
        await connection.execute(_QUERIES.add_partitions, self.log, size + commands_len, entries)
        self._committer.partitions_end = await connection.fetchval(_QUERIES.partitions_end, self.log)

    async def _happened(self, plan: Plan) -> bool:
        """Whether the batch whose COMMIT was lost is there. A COMMIT that is still under way holds the head."""
        if not plan.entries:
            return False
        first = plan.entries[0]
        deadline = asyncio.get_running_loop().time() + self._limits.resolve_timeout_s
        while asyncio.get_running_loop().time() < deadline:
            try:
                async with self._pool.acquire() as connection, connection.transaction(isolation="read_committed"):
                    await connection.fetchrow(_QUERIES.lock_head, self.log)
                    found = await connection.fetchval(_QUERIES.leaf_hash_at, self.log, first.position)
            except _UNAVAILABLE as error:
                _log.warning("%s: the outcome of a COMMIT is not known yet (%s)", self.log, _reason(error))
                await asyncio.sleep(self._limits.resolve_pause_s)
            else:
                return bool(found == first.leaf_hash)
        raise OutcomeUnknown


async def create_log(
    connection: asyncpg.Connection | PoolConnectionProxy, log: LogName, *, origin: str, mode: str, time_zone: str
) -> None:
    """Create a log without entries. Its genesis is its first append (ledger.genesis)."""
    await connection.execute(_QUERIES.create_head, log, origin, mode, time_zone)


_LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection died while the pool handed it out
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
_UNAVAILABLE = (
    *_LOST,
    asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # the database takes no connections; a lock was not to be had in time
    asyncpg.QueryCanceledError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresSystemError,
)


def _answer(answer: asyncio.Future[Appended], outcome: Outcome) -> None:
    if answer.done():
        return
    if isinstance(outcome, Appended):
        answer.set_result(outcome)
    else:
        answer.set_exception(outcome)


def _reason(error: BaseException) -> str:
    """The first line of what the database said, or the kind of error; never a parameter's value."""
    if isinstance(error, LedgerError | asyncpg.PostgresError):
        return str(error).partition("\n")[0][:200]
    return type(error).__name__


def _size_of(command: Command) -> int:
    """About what a command adds to a batch, in bytes."""
    return sum(
        1_024 + (sum(len(box.ciphertext) for box in draft.private.boxes) if draft.private is not None else 0)
        for draft in command.drafts
    )
