"""Subcommands that keep the books: `fsck`, `backup`, `restore`, `rebuild`."""

from __future__ import annotations

import argparse
import dataclasses
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

import sql
from ledger import fsck
from ledger.batches import BatchKey
from ledger.grammar import encode_base64
from ledger.projector import Projection
from server import migrate as migrations
from server.cli.database import database_urls
from server.cli.progress import counter, line
from server.cli.settings import load
from server.domains.giving.projections import GiftsProjection
from server.erasure.projections import BOOKS, PUBLIC
from server.errors import StartRefused
from server.expiry.projection import PendingProjection
from server.instance import Instance
from server.keeping.backup import backup
from server.keeping.people import Arriving
from server.keeping.rebuild import rebuild
from server.keeping.restore import check, restore
from server.keyring import Keyring, safe_dirs
from server.public.projection import ListsProjection
from server.vault import FileKeyStore

if TYPE_CHECKING:
    import asyncpg

    from ledger.fsck import Judged

FAULTS = 1
PROJECTIONS: dict[str, Projection] = {
    made.name: made for made in (GiftsProjection(), ListsProjection(), PendingProjection(), BOOKS, PUBLIC)
}

_keeping = sql.load("keeping")


async def fsck_logs(options: argparse.Namespace) -> int:
    """Judge the logs where they are kept; exit 0 without faults, 1 with."""
    settings = load(options)
    key = FileKeyStore(settings.data_dir.resolve() / "keys").load("writer")
    async with database_urls(settings) as (admin_url, _, _):
        connection = await migrations.connect(admin_url)
        try:
            await migrations.check_schema(connection)
            judged = [await _judge(connection, log, key) for log in await _logs(connection, options.log)]
        finally:
            await connection.close()
    if options.json:
        report = [{**dataclasses.asdict(one), "root_hash": encode_base64(one.root_hash)} for one in judged]
        print(orjson.dumps({"logs": report, "faults": sum(len(one.faults) for one in judged)}).decode())
    else:
        for one in judged:
            _tell(one, has_key=key is not None)
    return FAULTS if any(one.faults for one in judged) else 0


async def backup_to(options: argparse.Namespace) -> int:
    """Write a backup while the service runs, or does not."""
    settings = load(options)
    began = time.monotonic()
    async with database_urls(settings) as (admin_url, _, _):
        manifest = await backup(
            admin_url,
            Instance(settings.data_dir.resolve()),
            options.directory,
            now=datetime.now(UTC),
            keyring=None if options.without_keys else Keyring.open(settings),
            progress=line,
        )
    line("")
    held = sum(path.stat().st_size for path in options.directory.rglob("*") if path.is_file())
    print(f"{len(manifest.files)} files, {held / 1e6:.1f} MB, in {time.monotonic() - began:.1f} s: {options.directory}")
    for log, head in manifest.heads.items():
        print(f"  {log:<8} {head['size']} entries of {head['origin']}")
    if options.without_keys:
        print("Without keys: nothing private can be opened from it alone. `secondwind keys backup DIR` keeps those.")
    else:
        print(f"{options.directory / 'keys'} opens what is private in it: keep it somewhere else.")
        safes = " and ".join(str(path) for path in safe_dirs(settings))
        print(f"What is kept of people opens with the safe only, which is in no backup: {safes}.")
    return 0


async def restore_from(options: argparse.Namespace) -> int:
    """Bring a backup back into an empty place."""
    settings = load(options)
    instance = Instance(settings.data_dir.resolve())
    line("checking the backup")
    manifest = check(options.directory, instance)
    arriving = Arriving(options.directory, settings, options.safe, without_people=options.without_people)
    arriving.check()
    async with database_urls(settings) as (admin_url, _, service_user):
        await restore(
            admin_url,
            instance,
            options.directory,
            manifest,
            partition_entries=settings.partition_entries,
            service_user=service_user,
            progress=line,
        )
    destroyed = arriving.settle()
    line("")
    if destroyed:
        print(f"{destroyed} keys of people who were erased after this backup are destroyed in it.")
    for log, head in manifest.heads.items():
        print(f"  {log:<8} {head['size']} entries of {head['origin']}, without fault")
    print(f"The backup of {manifest.made_at} is restored. Stop whatever still runs on the old one, then start this.")
    return 0


async def rebuild_one(options: argparse.Namespace) -> int:
    """Rebuild a read model, or say how all of them stand."""
    settings = load(options)
    async with database_urls(settings) as (admin_url, _, _):
        connection = await migrations.connect(admin_url)
        try:
            await migrations.check_schema(connection)
            if options.name is None:
                return await _stand(connection)
            if options.name not in PROJECTIONS:
                known = ", ".join(sorted(PROJECTIONS))
                raise StartRefused(f"There is no read model {options.name!r}.", f"There are: {known}.")
            began = time.monotonic()
            folded = await rebuild(connection, PROJECTIONS[options.name], lambda done: line(f"{done} entries"))
        finally:
            await connection.close()
    line("")
    print(f"{options.name} is rebuilt from {folded} entries in {time.monotonic() - began:.1f} s.")
    return 0


async def _stand(connection: asyncpg.Connection) -> int:
    for row in await connection.fetch(_keeping.projections):
        state = f"stopped: {row['failed']}" if row["failed"] else "running"
        print(f"{row['name']:<14} {row['log']:<8} at {row['next']}, {row['size'] - row['next']} behind, {state}")
    return 0


async def _logs(connection: asyncpg.Connection, wanted: str | None) -> list[str]:
    logs = [row["log"] for row in await connection.fetch(_keeping.heads)]
    if wanted is not None and wanted not in logs:
        raise StartRefused(f"There is no log {wanted!r} here.", f"There are: {', '.join(logs) or 'none yet'}.")
    return logs if wanted is None else [wanted]


async def _judge(connection: asyncpg.Connection, log: str, key: bytes | None) -> Judged:
    show = counter(log)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        judged = await fsck.judge(
            connection,
            log,  # type: ignore[arg-type]  # the table's own check constraint
            batch_public=BatchKey(key).public if key is not None else None,
            progress=show,
        )
    line("")
    return judged


def _tell(judged: Judged, *, has_key: bool) -> None:
    verdict = f"{len(judged.faults)} FAULTS" if judged.faults else "no fault"
    print(f"{judged.log:<8} {judged.size} entries, {judged.checkpoints} checkpoints: {verdict}")
    for fault in judged.faults:
        where = "" if fault.position is None else f" at {fault.position}"
        print(f"  {fault.code}{where}: {fault.sentence}")
    if not judged.faults:
        print(f"         root {encode_base64(judged.root_hash)}")
    if not has_key:
        print("         the writer's signatures were not looked at: its key is not here")
