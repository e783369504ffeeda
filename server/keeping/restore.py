"""A restore: everything is checked before anything is opened, and nothing is written over.

The restored logs get a new epoch, so that a process which still writes to the old database is fenced (attacks E4). What
is already published must not be ahead of what is restored, or the signer would have to sign a second history (E6).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import sql
from ledger import fsck
from ledger.batches import BatchKey
from ledger.signer_state import StateFile
from server import migrate
from server.errors import StartRefused
from server.keeping.backup import DATA, KEY_FILES, KEYS, PUBLISH, SIGNER
from server.keeping.manifest import Manifest, copy_tree

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from ledger.types import LogName
    from server.instance import Instance

_CHUNK_BYTES = 1 << 20
_keeping = sql.load("keeping")
_ledger = sql.load("ledger")


def check(directory: Path, instance: Instance) -> Manifest:
    """Read every byte of a backup, and look whether it may be restored here. Raises StartRefused."""
    manifest = Manifest.read(directory)
    _refuse_others(manifest)
    _refuse_overwriting(instance)
    return manifest


async def restore(  # noqa: PLR0913 - where from, where to, and how it is to be
    admin_url: str,
    instance: Instance,
    directory: Path,
    manifest: Manifest,
    *,
    partition_entries: int,
    service_user: str | None = None,
    progress: Callable[[str], None] = lambda _what: None,
) -> None:
    """Bring a backup that `check` let pass into an empty database, and its keys and states into the instance.

    One transaction, judged by fsck before it ends. Raises StartRefused; then nothing was changed but the empty schema.
    """
    await migrate.migrate(admin_url, service_user)
    connection = await migrate.connect(admin_url)
    try:
        if await connection.fetchval("select exists (select from ledger_heads)"):
            raise StartRefused("The database holds logs already.", "Restore into an empty one.")
        async with connection.transaction():
            await _load(connection, manifest, directory, partition_entries, progress)
            for log in manifest.heads:
                progress(f"judging {log}")
                await _judge(connection, log, directory)  # type: ignore[arg-type]  # the heads' own check constraint
            for part, target in ((PUBLISH, instance.publish), (SIGNER, instance.signer), (KEYS, instance.keys)):
                copy_tree(directory / part, target)
    finally:
        await connection.close()


def _refuse_others(manifest: Manifest) -> None:
    known = tuple(path.stem for path in migrate.files())
    if manifest.schema != known:
        newest = manifest.schema[-1] if manifest.schema else "nothing"
        raise StartRefused(
            f"The backup's schema ends with {newest}, this version's with {known[-1]}.",
            "Restore with the version that made it, then update.",
        )


def _refuse_overwriting(instance: Instance) -> None:
    """Neither keys nor states are written over; and what was published here may be more than the backup knows."""
    for name, path in (("published checkpoints", instance.publish), ("a signer's state", instance.signer)):
        if path.is_dir() and any(found.is_file() for found in path.rglob("*")):
            raise StartRefused(
                f"{path} holds {name}: a log that was signed further than the backup would fork.",
                "Restore into another --data-dir, and compare `checkpoint` there with the newest one that anybody saw.",
            )
    if any(instance.keys.glob(KEY_FILES)):
        raise StartRefused(f"{instance.keys} holds keys.", "Restore into another --data-dir.")


async def _load(
    connection: asyncpg.Connection,
    manifest: Manifest,
    directory: Path,
    partition_entries: int,
    progress: Callable[[str], None],
) -> None:
    for log, head in manifest.heads.items():
        await connection.execute(_ledger.add_partitions, log, head["size"], partition_entries)
    for name in sorted(manifest.files):
        if name.startswith(f"{DATA}/"):
            table = name.removeprefix(f"{DATA}/").removesuffix(".copy.gz")
            progress(table)
            await connection.execute(f'delete from "{table}"')  # a migration may have put a row there
            await connection.copy_to_table(table, source=_unpacked(directory / name))
    for row in await connection.fetch(_keeping.counters):
        highest = f'select coalesce(max("{row["column"]}"), 0) + 1 from "{row["table"]}"'
        await connection.execute(f"select setval($1, ({highest}), false)", row["sequence"])
    await connection.execute(_keeping.raise_epochs)


def _unpacked(path: Path) -> AsyncIterator[bytes]:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in _read(path):
            yield chunk

    return chunks()


def _read(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


async def _judge(connection: asyncpg.Connection, log: LogName, directory: Path) -> None:
    """fsck, and the signer's state against the head: a backup that would not start is not restored."""
    key = directory / KEYS / "writer.key"
    batch_public = BatchKey(key.read_bytes()).public if key.is_file() else None
    judged = await fsck.judge(connection, log, batch_public=batch_public)
    if judged.faults:
        fault = judged.faults[0]
        where = "" if fault.position is None else f" at position {fault.position}"
        raise StartRefused(
            f"The backup's {log} has {len(judged.faults)} faults, first {fault.code}{where}: {fault.sentence}.",
            "Use another backup.",
        )
    state = StateFile(directory / SIGNER / f"{log}.json").load()
    if state is not None and state.size > judged.size:
        raise StartRefused(
            f"The backup's signer has signed {state.size} entries of {log}, its database holds {judged.size}.",
            "Use another backup.",
        )
