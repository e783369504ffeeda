"""Told apart: the database cannot do it now, and the work itself is wrong."""

from __future__ import annotations

import asyncpg
import pytest

from ledger.errors import KeyReused
from ledger.outages import REASON_LEN_MAX, is_away, reason


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        TimeoutError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.ConnectionDoesNotExistError("gone"),
        asyncpg.AdminShutdownError("terminating"),
        asyncpg.IdleInTransactionSessionTimeoutError("slept"),
        asyncpg.DiskFullError("no space"),
        asyncpg.TooManyConnectionsError("full"),
        asyncpg.LockNotAvailableError("timeout"),
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.ReadOnlySQLTransactionError("standby"),
        asyncpg.CannotConnectNowError("starting up"),
    ],
)
def test_what_may_succeed_later(error: Exception) -> None:
    assert is_away(error)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UniqueViolationError("duplicate"),
        asyncpg.CheckViolationError("check"),
        asyncpg.DivisionByZeroError("zero"),
        asyncpg.SerializationError("overtaken: a companion's way to refuse"),
        asyncpg.exceptions.DataError("a parameter that cannot be encoded"),
        ValueError("bad"),
        KeyError("x"),
    ],
)
def test_what_would_fail_again(error: Exception) -> None:
    assert not is_away(error)


def test_a_reason_is_one_short_line_and_never_a_value() -> None:
    assert reason(asyncpg.UniqueViolationError("duplicate key\nDETAIL: Key (email)=(a@b.c)")) == "duplicate key"
    assert reason(ValueError("a@b.c")) == "ValueError"
    assert reason(KeyReused(3)) == str(KeyReused(3))
    assert len(reason(asyncpg.PostgresError("x" * 1_000))) == REASON_LEN_MAX
