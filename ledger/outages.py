"""Which of the database's errors say "try again" and nothing about the work itself. One list for writer and followers.

LOST   the connection is gone: what it was doing may or may not have happened
AWAY   the database cannot do it now: it is gone, full, stopping, read-only, or a lock was not to be had in time
"""

from __future__ import annotations

import asyncpg

from ledger.errors import LedgerError

REASON_LEN_MAX = 200

LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection died while the pool handed it out
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,  # this process slept while it held a transaction (attacks E11)
)
AWAY = (
    *LOST,
    asyncpg.CannotConnectNowError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # the database takes no connections; a lock was not to be had in time
    asyncpg.QueryCanceledError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresSystemError,
)


def is_away(error: BaseException) -> bool:
    """Whether the same work may succeed later. A parameter that asyncpg cannot encode is an InterfaceError too."""
    return isinstance(error, AWAY) and not isinstance(error, ValueError)


def reason(error: BaseException) -> str:
    """The first line of what the database said, or the kind of error; never a parameter's value."""
    if isinstance(error, LedgerError | asyncpg.PostgresError):
        return str(error).partition("\n")[0][:REASON_LEN_MAX]
    return type(error).__name__
