"""Migrations: each file once, in order, under an advisory lock, each in a transaction of its own.

`pre` files run before the new code, `post` files after it; both must work beside the code before them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import asyncpg

import sql
from server.errors import StartRefused

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

ROLES = ("secondwind_writer", "secondwind_signer", "secondwind_publisher", "secondwind_reader", "secondwind_auditor")
POSTGRES_MAJOR_MIN = 15
LOCK_TIMEOUT = "30s"
STATEMENT_TIMEOUT = "10min"
_ADVISORY_KEY = 0x5EC0_4D16
_TABLE = """create table if not exists schema_migrations (
    name text primary key, applied_at timestamptz not null default now())"""


def files() -> list[Path]:
    """The migrations that this version brings, in order."""
    return sorted(sql.MIGRATIONS.glob("[0-9][0-9][0-9][0-9]_*.sql"))


async def migrate(admin_url: str, service_user: str | None = None) -> list[str]:
    """Bring the schema up to date and return the names of the migrations applied now.

    `service_user` is made a member of the service's roles. Raises StartRefused for a schema newer than this version.
    """
    connection = await connect(admin_url)
    try:
        await connection.execute("select pg_advisory_lock($1)", _ADVISORY_KEY)
        applied = await _apply(connection)
        if await _make_roles(connection):
            await connection.execute((sql.ROOT / "roles.sql").read_text(encoding="utf-8"))
            if service_user is not None:
                await _admit(connection, service_user)
        return applied
    finally:
        await connection.close()


async def check_schema(connection: asyncpg.Connection | PoolConnectionProxy) -> None:
    """Raise StartRefused unless the schema is exactly what this version expects."""
    exists = await connection.fetchval("select to_regclass('schema_migrations') is not null")
    try:
        rows = await connection.fetch("select name from schema_migrations") if exists else []
    except asyncpg.InsufficientPrivilegeError:
        raise StartRefused(
            "The login of DATABASE_URL is not a member of the service's roles.",
            "Run `secondwind migrate` with DATABASE_ADMIN_URL and DATABASE_URL set: it admits the login.",
        ) from None
    names = {row["name"] for row in rows}
    _refuse_newer(names)
    if missing := [path.stem for path in files() if path.stem not in names]:
        raise StartRefused(
            f"The database's schema is older than this version: {missing[0]} is not applied.",
            "Run `secondwind migrate`.",
        )


def login_of(url: str) -> str | None:
    """The user that a database URL names, to be admitted to the service's roles."""
    try:
        return unquote(urlsplit(url).username or "") or None
    except ValueError:
        return None


async def connect(url: str) -> asyncpg.Connection:
    """Connect, or raise StartRefused with a sentence that names what is wrong; never the password."""
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except asyncpg.InvalidAuthorizationSpecificationError:
        raise StartRefused("The database refuses the user or password of DATABASE_URL.", "Correct the URL.") from None
    except asyncpg.InvalidCatalogNameError as error:
        raise StartRefused(f"The database says: {error}.", "Create it, or correct DATABASE_URL.") from None
    except (ValueError, asyncpg.ClientConfigurationError) as error:
        raise StartRefused(
            f"DATABASE_URL cannot be used: {error}.", "It looks like postgres://user:password@host:5432/name."
        ) from None
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartRefused(
            f"The database of DATABASE_URL cannot be reached ({type(error).__name__}).",
            "Is it running, and is the host right?",
        ) from None
    major = connection.get_server_version().major
    if major < POSTGRES_MAJOR_MIN:
        await connection.close()
        raise StartRefused(
            f"The database is Postgres {major}.", f"SecondWind needs Postgres {POSTGRES_MAJOR_MIN} or newer."
        )
    return connection


async def _apply(connection: asyncpg.Connection) -> list[str]:
    await connection.execute(_TABLE)
    names = {row["name"] for row in await connection.fetch("select name from schema_migrations")}
    _refuse_newer(names)
    applied = []
    for path in files():
        if path.stem in names:
            continue
        async with connection.transaction():
            await connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
            await connection.execute(f"set local statement_timeout = '{STATEMENT_TIMEOUT}'")
            await connection.execute(path.read_text(encoding="utf-8"))
            await connection.execute("insert into schema_migrations (name) values ($1)", path.stem)
        applied.append(path.stem)
    return applied


def _refuse_newer(names: Iterable[str]) -> None:
    known = {path.stem for path in files()}
    if unknown := sorted(set(names) - known):
        raise StartRefused(
            f"The database's schema is newer than this version: {unknown[-1]} is not known here.",
            "Run the newer version.",
        )


async def _make_roles(connection: asyncpg.Connection) -> bool:
    """Make the roles that are missing; False where the administrator may not (then one login does everything)."""
    for role in ROLES:
        if await connection.fetchval("select 1 from pg_roles where rolname = $1", role):
            continue
        try:
            await connection.execute(f"create role {role} nologin")
        except asyncpg.DuplicateObjectError:
            continue
        except asyncpg.InsufficientPrivilegeError:
            return False
    return True


async def _admit(connection: asyncpg.Connection, service_user: str) -> None:
    quoted = await connection.fetchval("select quote_ident($1)", service_user)
    await connection.execute(f"grant {', '.join(ROLES)} to {quoted}")
    await connection.execute(f"grant select on schema_migrations to {quoted}")
