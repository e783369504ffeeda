"""Standbys: a COMMIT that stopped waiting for its standby is no COMMIT yet (attacks E5).

With `synchronous_standby_names` set, COMMIT waits until a standby has it on disk. Postgres gives that wait up when it
is asked to cancel, answers COMMIT all the same, and says so in a warning only. Whoever took that answer would
acknowledge, or sign, what a fail-over takes back.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

# The server's own function; the text of the warning is translated and its code is that of any warning.
_GAVE_UP_IN = "SyncRepWaitForLSN"


class Wait:
    """Whether the server stopped waiting for its standbys on one connection."""

    def __init__(self) -> None:
        self.was_given_up = False

    def hear(self, _connection: object, message: asyncpg.PostgresLogMessage) -> None:
        """Take note of one of the server's messages."""
        self.was_given_up = self.was_given_up or message.server_source_function == _GAVE_UP_IN


@contextlib.asynccontextmanager
async def watched(connection: PoolConnectionProxy) -> AsyncIterator[Wait]:
    """Hear, as long as this lasts, whether COMMITs on `connection` are answered without their standby."""
    wait = Wait()
    connection.add_log_listener(wait.hear)
    try:
        yield wait
    finally:
        if not connection.is_closed():
            connection.remove_log_listener(wait.hear)
