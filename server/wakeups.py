"""Wake-ups: "there may be something new under this topic". Never data, never a promise; a slow poll stands behind each.

Within a process they are events. Between processes they ride on Postgres NOTIFY, sent after the commit they tell of and
on a connection of their own, because NOTIFY inside a busy transaction serialises every commit of the database
(reference/ledger.md, pitfalls). A lost wake-up costs one poll interval and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator

import asyncpg

PG_CHANNEL = "secondwind_wakeups"
RECONNECT_DELAY_S = 1.0

_log = logging.getLogger(__name__)


class Waiter:
    """One listener's place. A wake-up that arrives while it works is kept until it waits again."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Mark that something may be new."""
        self._event.set()

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a wake-up, at most `timeout_s`; True when one came. Returns at once if one came meanwhile."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), timeout_s)
        woken = self._event.is_set()
        self._event.clear()
        return woken


class Wakeups:
    """Topics and who waits for them, in this process and, while `bridge` runs, in all of them."""

    def __init__(self) -> None:
        self._waiters: defaultdict[str, set[Waiter]] = defaultdict(set)
        self._outgoing: set[str] = set()
        self._outgoing_ready = asyncio.Event()
        self._bridged = False

    def notify(self, topic: str) -> None:
        """Wake everybody who listens to `topic`. Call it after the commit that it tells of; it never blocks."""
        self._wake(topic)
        if self._bridged:
            self._outgoing.add(topic)
            self._outgoing_ready.set()

    @contextlib.asynccontextmanager
    async def listen(self, topic: str) -> AsyncIterator[Waiter]:
        """Listen to `topic` for the length of the block; the first `wait` does not return before a wake-up."""
        waiter = Waiter()
        self._waiters[topic].add(waiter)
        try:
            yield waiter
        finally:
            self._waiters[topic].discard(waiter)

    async def bridge(self, dsn: str) -> None:
        """Carry wake-ups to and from the other processes until cancelled; reconnects by itself."""
        self._bridged = True
        try:
            while True:
                try:
                    await self._bridge_once(dsn)
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                    _log.warning("wake-ups between processes are interrupted (%s); polling meanwhile", error)
                await asyncio.sleep(RECONNECT_DELAY_S)
        finally:
            self._bridged = False

    async def _bridge_once(self, dsn: str) -> None:
        connection = await asyncpg.connect(dsn)
        mine = connection.get_server_pid()

        def heard(_connection: object, pid: int, _channel: str, topic: object) -> None:
            if pid != mine:
                self._wake(str(topic))

        # A connection that dies while nothing is sent would never be noticed otherwise.
        connection.add_termination_listener(lambda _connection: self._outgoing_ready.set())
        try:
            await connection.add_listener(PG_CHANNEL, heard)
            while not connection.is_closed():
                await self._outgoing_ready.wait()
                self._outgoing_ready.clear()
                topics, self._outgoing = self._outgoing, set()
                await connection.execute(
                    "select pg_notify($1, t) from unnest($2::text[]) t", PG_CHANNEL, sorted(topics)
                )
        finally:
            connection.terminate()

    def _wake(self, topic: str) -> None:
        for waiter in self._waiters.get(topic, ()):
            waiter.wake()
