"""The public log as a channel: where its entries are read from, and the tailer that publishes new ones once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import sql
from realtime.channels import PAGE_BYTES_MAX, PAGE_LEN_MAX, Publication

if TYPE_CHECKING:
    import asyncpg

    from realtime.hub import Hub, Note
    from server.wakeups import Wakeups

LEDGER = "ledger"
POLL_INTERVAL_S = 1.0

_QUERIES = sql.load("ws")


class PublicLog:
    """`realtime.channels.ChannelSource` over the public log. Positions are dense, so `after` is one less."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def top(self) -> int:
        """The newest position, -1 while there is none."""
        return int(await self._pool.fetchval(_QUERIES.top))

    async def read(self, after: int, limit: int, bytes_max: int) -> list[Publication]:
        """Entries after a position, oldest first: at most `limit`, about `bytes_max`, at least one if any."""
        rows = await self._pool.fetch(_QUERIES.entries, after, limit)
        page: list[Publication] = []
        size = 0
        for position, data in rows:
            size += len(data)
            if page and size > bytes_max:
                break
            page.append(Publication(position, position - 1, data))
        return page

    async def newest_note(self) -> str | None:
        """The newest signed checkpoint."""
        note: str | None = await self._pool.fetchval(_QUERIES.newest_note)
        return note


class Tailer:
    """Reads what is new in the public log once per process and hands it to the hub.

    `witnessed`: the newest checkpoint that witnesses have cosigned, None before there is one.
    """

    def __init__(self, hub: Hub, log: PublicLog, witnessed: Callable[[], Awaitable[str | None]]) -> None:
        self._hub = hub
        self._log = log
        self._witnessed = witnessed

    async def follow_entries(self, wakeups: Wakeups) -> None:
        """Publish new entries until cancelled, woken by the topic `public`."""
        async with wakeups.listen("public") as waiter:
            while True:
                while page := await self._log.read(self._hub.top(LEDGER), PAGE_LEN_MAX, PAGE_BYTES_MAX):
                    self._hub.publish(LEDGER, page)
                await waiter.wait(POLL_INTERVAL_S)

    async def follow_checkpoints(self, wakeups: Wakeups) -> None:
        """Publish the newest checkpoint until cancelled, woken by the topic `checkpoint:public`."""
        await self._follow_notes(wakeups, "checkpoint:public", "checkpoint", self._log.newest_note)

    async def follow_witnessed(self, wakeups: Wakeups) -> None:
        """Publish the newest witnessed checkpoint until cancelled, woken by the topic `witnessed:public`."""
        await self._follow_notes(wakeups, "witnessed:public", "checkpoint.witnessed", self._witnessed)

    async def _follow_notes(
        self, wakeups: Wakeups, topic: str, kind: Note, read: Callable[[], Awaitable[str | None]]
    ) -> None:
        before: str | None = None
        async with wakeups.listen(topic) as waiter:
            while True:
                note = await read()
                if note is not None and note != before:
                    before = note
                    self._hub.set_note(LEDGER, note, kind)
                await waiter.wait(POLL_INTERVAL_S)
