"""Subcommands that look into the database: its schema and the inbox."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import AsyncIterator
from dataclasses import asdict

import asyncpg

from server import migrate as migrations
from server.cli.database import database_urls
from server.cli.settings import load
from server.db import Database, PoolSizes
from server.errors import StartRefused
from server.payments.inbox import Inbox
from server.settings import Settings
from server.vault import FileKeyStore, Vault
from server.wakeups import Wakeups

STATES = ("new", "done", "ignored", "unhandled", "dead")
SIZES = PoolSizes(writer=1, signer=1, publisher=1, reader=1)


async def migrate(options: argparse.Namespace) -> int:
    """Apply the migrations that are missing."""
    settings = load(options)
    async with database_urls(settings) as (admin_url, _, service_user):
        applied = await migrations.migrate(admin_url, service_user)
    print("\n".join(f"applied {name}" for name in applied) or "The schema is up to date.")
    return 0


async def inbox_list(options: argparse.Namespace) -> int:
    """Count the rows by state and type, or list those in one state."""
    async with _inbox(load(options)) as inbox:
        if options.state is None:
            counts = [c for c in await inbox.counts() if options.event_type in {None, c.type}]
            for count in counts:
                print(f"{count.state:<10} {count.count:>8}  {count.type}  since {count.oldest:%Y-%m-%d %H:%M}")
            print(f"{sum(count.count for count in counts)} rows")
            return 0
        for row in await inbox.listing(options.state, event_type=options.event_type):
            where = f"position {row.position}" if row.position is not None else "not booked"
            print(f"{row.arrival:>8}  {row.received_at:%Y-%m-%d %H:%M:%S}  {row.type}  {row.outcome or '-'}  {where}")
    return 0


async def inbox_show(options: argparse.Namespace) -> int:
    """Show everything about one row that is not sealed."""
    async with _inbox(load(options)) as inbox:
        for state in STATES:  # the list is by state; a row stands in one of them
            rows = await inbox.listing(state, before=options.arrival + 1, limit=1)
            if rows and rows[0].arrival == options.arrival:
                for name, value in asdict(rows[0]).items():
                    print(f"{name:<12}  {'-' if value is None else value}")
                return 0
    raise StartRefused(f"The inbox has no row {options.arrival}.", "`secondwind inbox list --state STATE` shows them.")


async def inbox_retry(options: argparse.Namespace) -> int:
    """Work unhandled and dead rows again."""
    async with _inbox(load(options)) as inbox:
        count = await inbox.retry(options.event_type)
    print(f"{count} rows will be worked again.")
    return 0


@contextlib.asynccontextmanager
async def _inbox(settings: Settings) -> AsyncIterator[Inbox]:
    async with database_urls(settings) as (_, url, _):
        database = await Database.open(url, SIZES)
        try:
            vault = Vault(FileKeyStore(settings.data_dir / "keys"))
            yield Inbox(database.writer, vault, Wakeups())
        finally:
            await database.close()


async def public_origin(settings: Settings) -> str:
    """The origin that the public log was born with."""
    async with database_urls(settings) as (_, url, _):
        connection = await migrations.connect(url)
        try:
            origin = await connection.fetchval("select origin from ledger_heads where log = 'public'")
        except asyncpg.PostgresError:
            origin = None
        finally:
            await connection.close()
    if origin is None:
        raise StartRefused("The logs were not created yet.", "Start the service once.")
    return str(origin)
