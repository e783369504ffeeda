"""The service's pools: one per database role, so that each part can do no more than its work (operations, "Start").

Every pool connects with the same login and takes its role at connect time. Where the roles do not exist (one owner URL
without the right to make them) the pools run as the login itself and `separated` is False; start-up and /status say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg

from server.errors import StartRefused
from server.migrate import ROLES, check_schema, connect

if TYPE_CHECKING:
    from collections.abc import Mapping

SPARE_CONNECTIONS = 5
IDLE_IN_TRANSACTION_TIMEOUT = "5s"
LOCK_TIMEOUT = "5s"
TCP_USER_TIMEOUT = "3s"


@dataclass(frozen=True, slots=True)
class PoolSizes:
    """Connections of one process, by role."""

    writer: int = 10
    signer: int = 2
    publisher: int = 4
    reader: int = 8
    auditor: int = 1

    @property
    def total(self) -> int:
        """All of them, and the one that carries wake-ups."""
        return self.writer + self.signer + self.publisher + self.reader + self.auditor + 1


@dataclass(frozen=True, slots=True)
class Database:
    """Pools by role. `separated` says whether the login itself cannot change the ledger's tables."""

    url: str
    writer: asyncpg.Pool
    signer: asyncpg.Pool
    publisher: asyncpg.Pool
    reader: asyncpg.Pool
    auditor: asyncpg.Pool
    separated: bool

    @classmethod
    async def open(cls, url: str, sizes: PoolSizes | None = None, *, processes: int = 1) -> Database:
        """Check the server and the schema, then open the pools. Raises StartRefused with a sentence and a remedy."""
        sizes = sizes or PoolSizes()
        connection = await connect(url)
        try:
            await _refuse_pooler(connection)
            await check_schema(connection)
            await _refuse_too_many(connection, sizes.total * processes)
            separated = await _is_separated(connection)
            roles = await connection.fetchval(
                "select bool_and(pg_has_role(rolname, 'member')) and count(*) = $2"
                " from pg_roles where rolname = any($1)",
                list(ROLES),
                len(ROLES),
            )
        finally:
            await connection.close()
        pools = {
            name: await _pool(url, f"secondwind_{name}" if roles else None, getattr(sizes, name))
            for name in ("writer", "signer", "publisher", "reader", "auditor")
        }
        return cls(url, **pools, separated=separated)

    async def close(self) -> None:
        """Close every pool."""
        self.cut()

    def cut(self) -> None:
        """Cut every connection, whatever is under way on it; whoever waits for an answer hears that it is gone."""
        for pool in (self.auditor, self.reader, self.publisher, self.signer, self.writer):
            pool.terminate()


async def _pool(url: str, role: str | None, size: int) -> asyncpg.Pool:
    settings: Mapping[str, str] = {
        "application_name": role or "secondwind",
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT,
        "lock_timeout": LOCK_TIMEOUT,
        # A peer that vanished without a word must not hold a lock for as long as the network takes to notice (E11).
        "tcp_user_timeout": TCP_USER_TIMEOUT,
        "default_transaction_isolation": "read committed",
        # What is acknowledged is on the disk, and on the standbys, whatever the database is set to (E5).
        "synchronous_commit": "on",
        "jit": "off",
    }
    # The role is the session's default, so that the pool's RESET ALL between users comes back to it.
    extra: dict[str, Any] = {"server_settings": {**settings, "role": role} if role else settings}
    return await asyncpg.create_pool(url, min_size=1, max_size=size, timeout=10, **extra)


async def _is_separated(connection: asyncpg.Connection) -> bool:
    """Whether the login is neither a superuser nor the owner of the ledger's tables."""
    return bool(
        await connection.fetchval(
            "select not (select rolsuper from pg_roles where rolname = current_user)"
            " and not pg_has_role((select relowner from pg_class where oid = 'ledger_entries'::regclass), 'member')"
        )
    )


async def _refuse_pooler(connection: asyncpg.Connection) -> None:
    """A transaction pooler gives every transaction another session; locks, roles and wake-ups need one of their own."""
    try:
        first = await connection.fetchval("select pg_backend_pid()")
        reported = connection.get_server_pid()
    except asyncpg.PostgresError as error:
        raise StartRefused(f"The database cannot be used: {error}.", "Connect to Postgres directly.") from None
    if first != reported:
        raise StartRefused(
            "DATABASE_URL leads to a connection pooler, which may give every transaction another session.",
            "Connect to Postgres directly.",
        )


async def _refuse_too_many(connection: asyncpg.Connection, wanted: int) -> None:
    allowed = int(await connection.fetchval("show max_connections"))
    if wanted + SPARE_CONNECTIONS > allowed:
        raise StartRefused(
            f"The pools want {wanted} connections and {SPARE_CONNECTIONS} to spare; the database allows {allowed}.",
            "Raise max_connections, or run fewer processes (SECONDWIND_PROCESSES says how many).",
        )
