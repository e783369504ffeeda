"""The signer under attack: clocks that lie, machines put back, disks that are full or turn a bit.

tests/ledger/README.md says by which check each of these is caught; each was seen to fail without it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from ledger.batches import BatchKey
from ledger.errors import ClockSkew
from ledger.signer import Signer
from ledger.signer_state import PublishDirectory, StateFile
from server.db import Database
from tests.support.calendar import Calendar, calendar
from tests.support.logs import BATCH_SEED, TestLog, born_log, clock_us, key_of
from tests.support.postgres import Server

Execute = Callable[[str], Awaitable[str]]


def make(pool: asyncpg.Pool, directory: Path, *, clock: Callable[[], int] = clock_us) -> Signer:
    """A signer of `public` whose state and publish directory are in `directory`."""
    return Signer(
        pool,
        "public",
        key_of("public"),
        batch_public_key=BatchKey(BATCH_SEED).public,
        state=StateFile(directory / "state.json"),
        directory=PublishDirectory(directory / "publish"),
        clock=clock,
    )


@asynccontextmanager
async def born_on_a_calendar(server: Server) -> AsyncIterator[tuple[Calendar, asyncpg.Pool, TestLog]]:
    """A log whose database's clock can be set, and a pool for its signer."""
    async with (
        calendar(server) as jumping,
        jumping.pool_as("secondwind_signer") as pool,
        born_log(jumping.pool, clock=jumping.clock_us) as log,
    ):
        yield jumping, pool, log


@pytest.mark.parametrize("off_s", [-3, 3, 10 * 365 * 86_400], ids=["behind", "ahead", "ten years ahead"])
async def test_e12_a_signer_whose_clock_disagrees_signs_nothing_until_it_is_set_right(
    database: Database, tmp_path: Path, off_s: int
) -> None:
    """Attacks E12: a writer that was told a wrong time would have it signed for ever."""
    async with born_log(database.writer) as log:
        off_us = off_s * 1_000_000
        signer = make(database.signer, tmp_path, clock=lambda: clock_us() + off_us)
        await signer.start()
        with pytest.raises(ClockSkew, match=re.escape(f"{off_s:+d}.0 s off the database's clock")):
            await signer.step()
        assert await log.reader.newest_checkpoint() is None
        assert not (tmp_path / "state.json").exists()
        off_us = 0
        assert await signer.step() == (await log.reader.existing_head()).size


async def test_e12_an_entry_from_the_future_is_not_signed_before_its_time(
    postgres_server: Server, tmp_path: Path
) -> None:
    """Attacks E12: the database's clock jumped to 2036 and back while a writer, on the same machine, believed it."""
    async with born_on_a_calendar(postgres_server) as (jumping, pool, log):
        signer = make(pool, tmp_path, clock=jumping.clock_us)
        await signer.start()
        signed = await signer.step()
        await jumping.go_to("2036-01-01T00:00:00")
        await log.give()
        await jumping.be_off(0)
        with pytest.raises(ClockSkew, match=r"the newest entry is .* ahead of the database's clock"):
            await signer.step()
        newest = await log.reader.newest_checkpoint()
        assert newest is not None
        assert newest.size == signed
        with pytest.raises(ClockSkew, match="ahead of the database's clock"):
            await log.give()


async def test_e12_a_clock_that_was_set_back_stops_appends_and_what_is_written_stays_in_order(
    postgres_server: Server, tmp_path: Path
) -> None:
    """Attacks E12, clock backwards: an hour back, on both machines at once, so that neither sees the other off."""
    async with born_on_a_calendar(postgres_server) as (jumping, pool, log):
        size = (await log.reader.existing_head()).size
        await jumping.be_off(-3_600_000_000)
        with pytest.raises(ClockSkew, match="ahead of the database's clock"):
            await log.give()
        signer = make(pool, tmp_path, clock=jumping.clock_us)
        await signer.start()
        with pytest.raises(ClockSkew, match="ahead of the database's clock"):
            await signer.step()
        await jumping.be_off(0)
        assert (await log.give()).first == size
        assert await signer.step() == size + 1
