"""Rebuilding a read model beside the one that serves, and putting it in its place.

The copy grows in temporary tables of the same names: they come first wherever a table is named, so the projection's own
statements fill them. Only the last entries and the exchange itself hold the projection up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import sql
from ledger.types import StoredEntry

if TYPE_CHECKING:
    import asyncpg

    from ledger.projector import Projection

ENTRIES_PER_STEP_MAX = 512

_keeping = sql.load("keeping")
_ledger = sql.load("ledger")


async def rebuild(
    connection: asyncpg.Connection, projection: Projection, progress: Callable[[int], None] = lambda _entries: None
) -> int:
    """Fold the projection's log from position 0 and exchange the tables; returns how many entries were folded.

    `connection` is the owner's, and its own: the temporary tables live in it. Whatever the projection raises passes
    through, and then the read model that serves is as it was. `progress` is told the entries folded so far.
    """
    for table in projection.tables:
        await connection.execute(f'create temporary table "{table}" (like public."{table}" including all)')
    done = 0
    while count := await _fold(connection, projection, done):
        done += count
        progress(done)
    async with connection.transaction():
        # From here the running projector waits.
        await connection.fetchrow(_ledger.tracking, projection.name)
        while count := await _fold(connection, projection, done):
            done += count
        for table in projection.tables:
            await connection.execute(f'delete from public."{table}"')
            await connection.execute(
                f'insert into public."{table}" overriding system value select * from pg_temp."{table}"'
            )
        for row in await connection.fetch(_keeping.counters):
            if row["table"] in projection.tables:
                highest = f'select coalesce(max("{row["column"]}"), 0) + 1 from public."{row["table"]}"'
                await connection.execute(f"select setval($1, ({highest}), false)", row["sequence"])
        await connection.execute(_keeping.reset_tracking, projection.name, done)
    return done


async def _fold(connection: asyncpg.Connection, projection: Projection, start: int) -> int:
    async with connection.transaction():
        rows = await connection.fetch(_ledger.entries, projection.log, start, ENTRIES_PER_STEP_MAX)
        if rows:
            await projection.apply(connection, [StoredEntry(*row) for row in rows])  # type: ignore[arg-type]  # not the pool's
    return len(rows)
