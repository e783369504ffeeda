"""A backup while the service runs: one snapshot of the database, what the signers remember, and the keys apart.

A signer's state must not be newer than the snapshot's entries nor older than what is published, or the restored log
could not be signed on. So checkpoints wait for the moment in which first what is published, then the states are copied,
and the snapshot begins; that is a few milliseconds. Keys lie in a directory of their own, to be kept elsewhere.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sql
from server import migrate
from server.errors import StartRefused
from server.keeping.manifest import Manifest, copy_tree, digest_of, sync
from server.keyring import SUBJECTS

if TYPE_CHECKING:
    import asyncpg

    from server.instance import Instance
    from server.keyring import Keyring

DATA, SIGNER, PUBLISH, KEYS = "data", "signer", "publish", "keys"
KEY_FILES = "*.key"
"""Not the passwords of an embedded Postgres, which are its own."""
NOT_KEPT = frozenset({"schema_migrations", "ledger_partitions"})
"""Tables that a restore makes by itself."""

_keeping = sql.load("keeping")


async def backup(  # noqa: PLR0913 - where from, where to, and what to leave out
    admin_url: str,
    instance: Instance,
    directory: Path,
    *,
    now: datetime,
    keyring: Keyring | None = None,
    progress: Callable[[str], None] = lambda _table: None,
) -> Manifest:
    """Write a backup into `directory`, which must be empty or not there; `progress` is told of each table.

    With `keyring` its keys are in it: the service's, and people's as they are wrapped. Without, they are left out.

    Raises StartRefused when it is not, or when the database's schema is not this version's.
    """
    _make(directory)
    holding, reading = await migrate.connect(admin_url), await migrate.connect(admin_url)
    try:
        await migrate.check_schema(reading)
        copied: list[Path] = []
        async with reading.transaction(isolation="repeatable_read", readonly=True):
            async with holding.transaction():
                await holding.execute("lock table ledger_checkpoints in share mode")
                copied += copy_tree(instance.publish, directory / PUBLISH)
                copied += copy_tree(instance.signer, directory / SIGNER)
                heads = await reading.fetch(_keeping.heads)  # the first statement: the snapshot is of now
            for table in await reading.fetch(_keeping.tables):
                if table["name"] not in NOT_KEPT:
                    progress(table["name"])
                    copied.append(await _copy_out(reading, table["name"], directory / DATA))
            schema = await reading.fetch("select name from schema_migrations order by name")
        if keyring is not None:
            # After the snapshot: keys are never older than what they open (attacks D2). The safe stays where it is.
            copied += copy_tree(instance.keys, directory / KEYS, KEY_FILES)
            keyring.subjects.copy_to(directory / KEYS / SUBJECTS)
            copied.append(directory / KEYS / SUBJECTS)
        manifest = Manifest(
            now.isoformat(timespec="seconds"),
            tuple(row["name"] for row in schema),
            {row["log"]: {"origin": row["origin"], "size": row["size"], "epoch": row["epoch"]} for row in heads},
            {path.relative_to(directory).as_posix(): digest_of(path) for path in copied},
        )
        manifest.write(directory)
        return manifest
    finally:
        await holding.close()
        await reading.close()


async def _copy_out(connection: asyncpg.Connection, table: str, directory: Path) -> Path:
    """One table as Postgres's own text, which every version of it reads."""
    path = directory / f"{table}.copy.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:

        async def write(data: bytes) -> None:
            file.write(data)

        await connection.copy_from_query(f'select * from "{table}"', output=write)
    sync(path)
    return path


def _make(directory: Path) -> None:
    if directory.exists() and any(directory.iterdir()):
        raise StartRefused(f"{directory} is not empty.", "Name a directory that does not exist yet.")
    (directory / DATA).mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
