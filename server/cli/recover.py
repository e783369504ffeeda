"""`secondwind recover`: bring back what a database has lost, from the published files."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ledger.types import Command, Draft
from server import migrate as migrations
from server.cli.database import database_urls
from server.cli.parts import opened
from server.cli.progress import line
from server.cli.settings import load
from server.errors import StartRefused
from server.files.places import place
from server.files.recovery import Recovery
from server.files.store import StoreAway
from server.instance import Instance
from server.keyring import Keyring

if TYPE_CHECKING:
    from server.files.recovery import Recovered
    from server.settings import Settings

RECOVERED = "ledger.signer.recovered.v1"


async def recover(options: argparse.Namespace) -> int:
    """Carry every log on to its published checkpoint, and write down in each that this was done."""
    settings = load(options)
    instance = Instance(settings.data_dir.resolve())
    instance.prepare()
    instance.acquire()  # whoever runs on this directory signs
    instance.release()
    try:
        done = await _recover(settings, instance, options.source)
    except StoreAway as error:
        raise StartRefused(f"The published files cannot be read: {error}.", "Look at --from.") from None
    changed = [log for log in done if log.adopted or log.size > log.had]
    if changed:
        await _write_down(settings, changed)
    for log in done:
        print(f"  {log.log:<8} {log.had} entries were here, {log.size} are, {log.published} are published")
    if not changed:
        print("Nothing was lost.")
        return 0
    print(
        "Every entry is the published one, and fsck finds no fault. Start the service now; then let the provider send"
    )
    print("again what it sent since the newest entry: what is booked already is known.")
    return 0


async def _recover(settings: Settings, instance: Instance, source: str) -> list[Recovered]:
    async with database_urls(settings) as (admin_url, _, service_user):
        await migrations.migrate(admin_url, service_user)
        connection = await migrations.connect(admin_url)
        try:
            recovery = Recovery(
                connection,
                instance,
                Keyring.open(settings),
                place(source),
                partition_entries=settings.partition_entries,
                progress=line,
            )
            return await recovery.run()
        finally:
            await connection.close()
            line("")


async def _write_down(settings: Settings, logs: list[Recovered]) -> None:
    """In the log itself (attacks E8). What was recovered is durable already."""
    async with opened(settings) as parts:
        for log in logs:
            reason = f"{log.size - log.had} entries were brought back from the published files"
            draft = Draft(RECOVERED, {"reason": reason, "size": log.published})
            await parts.writers[log.log].append(Command((draft,)))
