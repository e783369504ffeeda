"""The service's parts for one subcommand that appends: the logs that exist, and their writers; no task runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from server.cli.database import database_urls
from server.db import Database, PoolSizes
from server.erasure.build import replay
from server.errors import StartRefused
from server.instance import Instance
from server.parts import Parts, clock_us
from server.tasks import Tasks
from server.vault import FileKeyStore
from server.wakeups import Wakeups

if TYPE_CHECKING:
    from server.settings import Settings

_UNBORN = "There is no log here yet.", "Start the service once, or choose another --data-dir."
_SIZES = PoolSizes(writer=3, signer=1, publisher=2, reader=1)


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Parts]:
    """Parts beside a running service, or without one. Raises StartRefused where no log was born yet.

    What is appended is seen by the service's own poll, within a second. Whoever a restored database brought back is
    erased again first (attacks D2).
    """
    instance = Instance(settings.data_dir.resolve())
    if settings.database_url is None and not (instance.path / "postgres").is_dir():
        raise StartRefused(*_UNBORN)
    instance.prepare()
    async with database_urls(settings) as (_, service_url, _):
        database = await Database.open(service_url, _SIZES)
        try:
            if not await database.writer.fetchval("select exists (select from ledger_heads where size > 0)"):
                raise StartRefused(*_UNBORN)
            parts = await Parts.open(settings, database, FileKeyStore(instance.keys), instance, Wakeups(), Tasks())
            try:
                await replay(parts, clock_us)
                yield parts
            finally:
                await parts.close()
        finally:
            await database.close()


def private_file(path: Path) -> BinaryIO:
    """A new file that only this user may read. FileExistsError where there is one."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
