"""Disks that are full, and disks that turn a bit."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from tests.support.postgres import Server

TOO_LARGE_BYTES = 64


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """The kernel refuses this process every write beyond the first bytes of a file, as it does when a disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (TOO_LARGE_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@asynccontextmanager
async def turned_bit(
    server: Server, database: str, relation: str, before: bytes, after: bytes, *, noticed: bool
) -> AsyncIterator[str]:
    """The name of a copy of `database` whose file of `relation` holds `after` where it held `before`.

    Nobody may be connected to it. `noticed`: whether the server looks at its checksums; if not, it reads what is there.
    """
    admin = await asyncpg.connect(server.admin_url(database))
    path = await admin.fetchval("select pg_relation_filepath($1::regclass)", relation)
    await admin.close()
    async with server.copy_of(database, files=True) as copy:
        other = await asyncpg.connect(server.admin_url("postgres"))
        oid = await other.fetchval("select oid from pg_database where datname = $1", copy)
        if not noticed:
            await other.execute(f"alter database {copy} set ignore_checksum_failure = on")
        # What is looked up by an index in a log of any size is looked up so in this small one.
        await other.execute(f"alter database {copy} set enable_seqscan = off")
        await other.execute(f"alter database {copy} set enable_bitmapscan = off")
        file = Path(await other.fetchval("show data_directory")) / "base" / str(oid) / Path(path).name
        await other.close()
        held = file.read_bytes()
        assert held.count(before) == 1, f"{relation} holds it {held.count(before)} times"
        assert len(before) == len(after)
        with file.open("r+b") as opened:
            opened.write(held.replace(before, after))
        yield copy
