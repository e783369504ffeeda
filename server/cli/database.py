"""Where a subcommand finds its database: that of DATABASE_URL, the embedded one that runs, or one started for it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import asyncpg

from server import migrate as migrations
from server.embedded.postgres import SERVICE, EmbeddedPostgres
from server.errors import StartRefused
from server.instance import Instance
from server.settings import Settings


@contextlib.asynccontextmanager
async def database_urls(settings: Settings) -> AsyncIterator[tuple[str, str, str | None]]:
    """(admin URL, service URL, service user) of the running embedded server, or of one started for the block."""
    if settings.database_url is not None:
        user = migrations.login_of(settings.database_url) if settings.database_admin_url is not None else None
        yield settings.database_admin_url or settings.database_url, settings.database_url, user
        return
    instance = Instance(settings.data_dir.resolve())
    instance.prepare()
    postgres = EmbeddedPostgres(instance.path)
    if await _answers(postgres.service_url):
        yield postgres.admin_url, postgres.service_url, SERVICE
        return
    try:
        instance.acquire()
    except StartRefused:
        raise StartRefused("The service is starting or stopping just now.", "Try again in a moment.") from None
    try:
        await postgres.start()
        yield postgres.admin_url, postgres.service_url, SERVICE
    finally:
        await postgres.stop()
        instance.release()


async def _answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True
