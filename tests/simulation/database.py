"""A database over a network: connections that die, statements on their way, answers that never come.

`Database` is the server, `Pool` and `Connection` are asyncpg as far as the ledger uses it. A statement travels, is
done, and its answer travels back. A connection that is cut loses the answer; what had been sent may still be done, and
an open transaction stays open, with its locks, until the server notices.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import dataclass
from typing import Any

import asyncpg

from tests.simulation import statements
from tests.simulation.loop import OWNER, Loop, as_owner
from tests.simulation.tables import Row, Tables, Transaction

LATENCY_S = 0.002
SLOW_LATENCY_S = 0.4
NOTICED_WITHIN_S = 0.8
RECOVERY_S = 0.3


@dataclass(slots=True)
class Request:
    """One statement on its way; `answer` belongs to the client."""

    text: str
    args: tuple[Any, ...]
    answer: asyncio.Future[list[Row]]


class Session:
    """The server's end of one connection: statements one after another, a transaction across them if one was begun."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tx: Transaction | None = None
        self._failed = False

    async def execute(self, text: str, args: tuple[Any, ...]) -> list[Row]:
        """Do one statement. Raises what Postgres would."""
        if text.startswith("begin"):
            self._tx, self._failed = Transaction(self._database.tables), False
        elif text == "commit":
            self._end(commit=not self._failed)
        elif text == "rollback":
            self._end(commit=False)
        elif text.startswith(("savepoint", "release", "back")):
            self._savepoint(text)
        else:
            return await self._statement(text, args)
        return []

    def end(self) -> None:
        """The client is gone: what it had begun is rolled back."""
        self._end(commit=False)

    def _end(self, *, commit: bool) -> None:
        tx, self._tx = self._tx, None
        if tx is not None:
            (tx.commit if commit else tx.roll_back)()

    def _savepoint(self, text: str) -> None:
        if self._tx is None:
            raise asyncpg.NoActiveSQLTransactionError(text)
        {"savepoint": self._tx.save, "release": self._tx.release, "back": self._tx.back}[text]()
        if text == "back":
            self._failed = False

    async def _statement(self, text: str, args: tuple[Any, ...]) -> list[Row]:
        handler = self._database.handlers[text]
        if self._failed:
            raise asyncpg.InFailedSQLTransactionError("current transaction is aborted")
        tx = self._tx or Transaction(self._database.tables)
        try:
            rows = await handler(tx, self._database.clock(), *args)
        except asyncpg.PostgresError:
            if self._tx is None:
                tx.roll_back()
            self._failed = self._tx is not None
            raise
        if self._tx is None:
            tx.commit()
        return rows


class Database:
    """The server. `clock` is its own, µs since 1970. `cuts` answers whether a connection dies at this moment."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.tables = Tables()
        self.clock = clock
        self.handlers = dict(statements.HANDLERS)
        self.incarnation = 1
        self.is_up = True
        self.cuts: Callable[[], bool] = lambda: False
        self.delay: Callable[[], float] = lambda: LATENCY_S
        self.connections: list[Connection] = []

    @property
    def owner(self) -> str:
        """The owner of everything that this incarnation of the server does."""
        return f"database#{self.incarnation}"

    def crash(self, loop: Loop) -> None:
        """Power off: open transactions are gone, every connection dies, and it is back after recovery."""
        loop.kill(self.owner)
        self.incarnation += 1
        self.is_up = False
        self.tables.crash()
        for connection in tuple(self.connections):
            connection.cut()
        loop.call_later(RECOVERY_S, self._recovered)

    def _recovered(self) -> None:
        self.is_up = True


class Connection:
    """The client's end of one connection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._server = database.incarnation
        self._session = Session(database)
        self.client = OWNER.get()
        self._pending: deque[Request] = deque()
        self._arrived: deque[Request | None] = deque()
        self._ready = asyncio.Event()
        self._closed = False
        self._depth = 0
        database.connections.append(self)
        as_owner(database.owner, lambda: asyncio.get_running_loop().create_task(self._serve()))

    def is_closed(self) -> bool:
        """Whether the connection is known to be dead."""
        return self._closed

    def cut(self) -> None:
        """The connection dies: the client knows at once, the server later, after all that was sent before."""
        if self._closed:
            return
        self._closed = True
        if self in self._database.connections:
            self._database.connections.remove(self)
        for request in self._pending:
            if not request.answer.done():
                as_owner("network", self._lose, request.answer)
        self._pending.clear()
        asyncio.get_running_loop().call_later(NOTICED_WITHIN_S * self._part(), self._arrive, None)

    def add_log_listener(self, hear: Callable[..., None]) -> None:
        """There are no standbys, and so no warnings about them."""

    remove_log_listener = add_log_listener

    async def execute(self, text: str, *args: Any) -> str:
        await self._ask(text, args)
        return "OK"

    async def fetch(self, text: str, *args: Any) -> list[Row]:
        return await self._ask(text, args)

    async def fetchrow(self, text: str, *args: Any) -> Row | None:
        rows = await self._ask(text, args)
        return rows[0] if rows else None

    async def fetchval(self, text: str, *args: Any) -> Any:
        rows = await self._ask(text, args)
        return rows[0][0] if rows else None

    @contextlib.asynccontextmanager
    async def transaction(self, isolation: str | None = None, *, readonly: bool = False) -> AsyncIterator[None]:
        """A transaction, or a savepoint inside one. `isolation` must be what the model is, or only be read in."""
        assert isolation in {None, "read_committed"} or readonly
        begin, keep, undo = ("savepoint", "release", "back") if self._depth else ("begin", "commit", "rollback")
        await self.execute(begin)
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            if not self._closed and not self._is_orphan():
                await self.execute(undo)
            raise
        self._depth -= 1
        await self.execute(keep)

    async def _ask(self, text: str, args: tuple[Any, ...]) -> list[Row]:
        if self._is_orphan():
            raise ConnectionResetError("this process was killed")
        if self._closed:
            raise asyncpg.InterfaceError("connection is closed")
        loop = asyncio.get_running_loop()
        request = Request(text, args, loop.create_future())
        self._pending.append(request)
        as_owner("network", loop.call_later, self._database.delay(), self._arrive, request)
        if self._database.cuts():
            as_owner("network", loop.call_later, self._database.delay(), self.cut)
        return await request.answer

    def _is_orphan(self) -> bool:
        loop = asyncio.events._get_running_loop()
        return loop is None or (isinstance(loop, Loop) and loop.is_dead(self.client))

    def _part(self) -> float:
        loop = asyncio.get_running_loop()
        return loop.dice.random() if isinstance(loop, Loop) else 0.0

    def _arrive(self, request: Request | None) -> None:
        self._arrived.append(request)
        self._ready.set()

    async def _serve(self) -> None:
        """The server's process for this connection."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._arrived:
                request = self._arrived.popleft()
                if request is None:
                    self._session.end()
                    return
                try:
                    rows = await self._session.execute(request.text, request.args)
                except asyncpg.PostgresError as error:
                    as_owner("network", self._answer, request, error)
                else:
                    as_owner("network", self._answer, request, rows)

    def _answer(self, request: Request, outcome: list[Row] | Exception) -> None:
        asyncio.get_running_loop().call_later(self._database.delay(), self._deliver, request, outcome)

    def _deliver(self, request: Request, outcome: list[Row] | Exception) -> None:
        if self._closed or request.answer.done():
            return
        self._pending.remove(request)
        if isinstance(outcome, Exception):
            request.answer.set_exception(outcome)
        else:
            request.answer.set_result(outcome)

    @staticmethod
    def _lose(answer: asyncio.Future[list[Row]]) -> None:
        if not answer.done():
            answer.set_exception(
                asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
            )


class Acquired:
    """What `Pool.acquire` returns: to be awaited, or entered."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: Connection | None = None

    def __await__(self) -> Generator[Any, None, Connection]:
        return self._pool.connect().__await__()

    async def __aenter__(self) -> Connection:
        self._connection = await self._pool.connect()
        return self._connection

    async def __aexit__(self, *_error: object) -> None:
        if self._connection is not None:
            await self._pool.release(self._connection)


class Pool:
    """Connections of one process to the database; as many as it asks for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: deque[Connection] = deque()

    def acquire(self, *, timeout: float | None = None) -> Acquired:  # noqa: ARG002 - asyncpg's own argument
        return Acquired(self)

    def is_closing(self) -> bool:
        """Nobody closes it before its process ends."""
        return False

    async def connect(self) -> Connection:
        """A connection that is thought to be alive. Raises as a server does that is down."""
        while self._idle:
            connection = self._idle.popleft()
            if not connection.is_closed():
                return connection
        await asyncio.sleep(self._database.delay())
        if not self._database.is_up:
            raise ConnectionRefusedError("the database does not answer")
        return Connection(self._database)

    async def release(self, connection: Connection) -> None:
        if not connection.is_closed():
            self._idle.append(connection)

    async def execute(self, text: str, *args: Any) -> str:
        async with self.acquire() as connection:
            return await connection.execute(text, *args)

    async def fetch(self, text: str, *args: Any) -> list[Row]:
        async with self.acquire() as connection:
            return await connection.fetch(text, *args)

    async def fetchrow(self, text: str, *args: Any) -> Row | None:
        async with self.acquire() as connection:
            return await connection.fetchrow(text, *args)

    async def fetchval(self, text: str, *args: Any) -> Any:
        async with self.acquire() as connection:
            return await connection.fetchval(text, *args)
