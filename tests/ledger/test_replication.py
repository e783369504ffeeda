"""Standbys that do not answer: what a fail-over could take back is neither acknowledged nor signed (attacks E5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ledger.errors import DatabaseUnavailable, OutcomeUnknown
from ledger.store import WriterLimits
from ledger.types import Command, Companion
from server.db import Database
from tests.ledger.test_signer_faults import make
from tests.support.logs import born_log, public_gift
from tests.support.postgres import SIZES, Server

Execute = Callable[[str], Awaitable[str]]
NOTHING = {"nothing": "select from unnest($1::jsonb[], $2::bigint[], $3::int[], $4::bool[])"}
UNDER_THE_LOCK, ALONE = Companion("nothing", {}), None
WAITERS = (
    "select pid, query_start from pg_stat_activity where wait_event = 'SyncRep' and usename = 'secondwind_service'"
)


class Admin(asyncpg.Connection):
    """The server's administrator, whose own work waits for no standby; that of `probing` does."""

    probing: asyncpg.Connection


@pytest.fixture
async def admin(postgres_server: Server) -> AsyncIterator[Admin]:
    url = postgres_server.admin_url("postgres")
    connection = await asyncpg.connect(url, connection_class=Admin)
    connection.probing = await asyncpg.connect(url)
    await connection.execute("set synchronous_commit = local")
    yield connection
    await connection.probing.close()
    await connection.close()


@asynccontextmanager
async def a_standby_that_is_away(admin: Admin) -> AsyncIterator[None]:
    """The server waits, at every COMMIT, for a standby that does not come before this ends."""
    await _standbys(admin, "away")
    await _until_commits_wait(admin)
    try:
        yield
    finally:
        await _standbys(admin, "")


async def _standbys(admin: Admin, names: str) -> None:
    await admin.execute(f"alter system set synchronous_standby_names = '{names}'")
    await admin.execute("select pg_reload_conf()")
    async with asyncio.timeout(10):
        while await admin.fetchval("select current_setting('synchronous_standby_names')") != names:
            await asyncio.sleep(0.01)


async def _until_commits_wait(admin: Admin) -> None:
    """Whether COMMITs wait is for the checkpointer to say, and it learns of it a moment after everybody else."""
    waits = "select exists (select from pg_stat_activity where pid = $1 and wait_event = 'SyncRep')"
    pid, has_waited = admin.probing.get_server_pid(), False
    async with asyncio.timeout(10):
        while not has_waited:
            probe = asyncio.create_task(admin.probing.execute("select pg_logical_emit_message(true, 'probe', '')"))
            while not probe.done():
                if has_waited := await admin.fetchval(waits, pid):
                    await admin.execute(f"select pg_cancel_backend({pid})")
                    break
                await asyncio.sleep(0.01)
            await probe


async def waiting(admin: Admin, before: asyncpg.Record | None = None) -> asyncpg.Record:
    """The statement of the service that waits for its standby, another one than `before`; within ten seconds."""
    async with asyncio.timeout(10):
        while True:
            found = [row for row in await admin.fetch(WAITERS) if row != before]
            if found:
                return found[0]
            await asyncio.sleep(0.01)


async def cancel_every_wait_until_done(admin: Admin, work: asyncio.Task[Any]) -> None:
    """Have Postgres give up every wait for a standby, until `work` has ended, within ten seconds."""
    async with asyncio.timeout(10):
        while not work.done():
            for row in await admin.fetch(WAITERS):
                await admin.execute(f"select pg_cancel_backend({row['pid']})")
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("companion", [UNDER_THE_LOCK, ALONE], ids=["under the lock", "in one statement"])
@pytest.mark.parametrize("how", ["pg_cancel_backend", "pg_terminate_backend"])
async def test_e5_a_cancelled_wait_for_the_standby_acknowledges_nothing(
    database: Database, admin: Admin, companion: Companion | None, how: str
) -> None:
    """Attacks E5, X9: Postgres answers COMMIT as if all were well, and the row is there, on one machine only."""
    async with born_log(database.writer, companions=NOTHING) as log:
        for _ in range(3):
            await log.give(1, companion=companion)
        size = (await log.reader.existing_head()).size
        async with a_standby_that_is_away(admin):
            answer = asyncio.create_task(log.writer.append(Command((public_gift(900),), companion=companion)))
            cancelled = await waiting(admin)
            await admin.execute(f"select {how}({cancelled['pid']})")
            again = await waiting(admin, cancelled)
            assert (await log.reader.existing_head()).size == size + 1
            await admin.execute(f"select pg_cancel_backend({again['pid']})")
            await waiting(admin, again)
            assert not answer.done()
        done = await answer
        assert (done.first, done.replayed) == (size, False)
        assert (await log.reader.existing_head()).size == size + 1


async def test_e5_where_no_standby_ever_confirms_nobody_is_told_that_it_is_done(
    database: Database, admin: Admin
) -> None:
    """Attacks E5: who cannot wait any longer says so, and nothing else."""
    limits = WriterLimits(resolve_timeout_s=0.2, resolve_pause_s=0.01)
    async with born_log(database.writer, limits=limits) as log:
        await log.give(1)
        async with a_standby_that_is_away(admin):
            answer = asyncio.create_task(log.give(900))
            await cancel_every_wait_until_done(admin, answer)
            with pytest.raises(OutcomeUnknown):
                await answer


async def test_e5_nothing_is_signed_that_a_standby_does_not_have(
    database: Database, admin: Admin, tmp_path: Path
) -> None:
    """Attacks E5: signed and lost by a fail-over would be a fork that anybody can prove."""
    async with born_log(database.writer) as log:
        signer = make(database.signer, tmp_path)
        await signer.start()
        signed = await signer.step()
        async with a_standby_that_is_away(admin):
            answer = asyncio.create_task(log.give(900))
            cancelled = await waiting(admin)
            await admin.execute(f"select pg_terminate_backend({cancelled['pid']})")
            await waiting(admin, cancelled)
            assert (await log.reader.existing_head()).size == signed + 1
            step = asyncio.create_task(signer.step())
            await cancel_every_wait_until_done(admin, step)
            with pytest.raises(DatabaseUnavailable, match="no standby confirms the newest entries of public"):
                await step
            newest = await log.reader.newest_checkpoint()
            assert newest is not None
            assert newest.size == signed
        await answer
        assert await signer.step() == 1


async def test_e5_commits_are_synchronous_whatever_the_database_is_set_to(
    postgres_server: Server, postgres_admin: Execute, database: Database
) -> None:
    """Attacks E5: a database that is set to answer before it has written would lose what was acknowledged."""
    name = await database.writer.fetchval("select current_database()")
    await postgres_admin(f"alter database {name} set synchronous_commit = off")
    again = await Database.open(postgres_server.service_url(name), SIZES)
    for pool in (again.writer, again.signer, again.publisher):
        assert await pool.fetchval("show synchronous_commit") == "on"
    await again.close()
