"""Transactions of one's own, and the rule that nobody awaits the writer inside one (attacks E3).

A row lock held while its holder waits for the writer, which waits for the same row, is a deadlock that Postgres cannot
see. So the helper marks the task, and the writer refuses a marked caller at once instead of hanging both.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

_inside: ContextVar[bool] = ContextVar("inside_transaction", default=False)


@contextlib.asynccontextmanager
async def transaction(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy]:
    """A transaction at READ COMMITTED on a connection of `pool`; committed at the end, rolled back on any error."""
    async with pool.acquire() as connection, connection.transaction(isolation="read_committed"):
        token = _inside.set(True)
        try:
            yield connection
        finally:
            _inside.reset(token)


def refuse_inside(what: str) -> None:
    """Raise RuntimeError when the calling task is inside `transaction`: a mistake of the program, found at once."""
    if _inside.get():
        message = f"{what} awaited inside a transaction of the caller's own: commit first (attacks E3)"
        raise RuntimeError(message)
