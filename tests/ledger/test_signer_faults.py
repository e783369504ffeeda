"""The signer under attack: clocks that lie, machines put back, disks that are full or turn a bit.

tests/ledger/README.md says by which check each of these is caught; each was seen to fail without it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ledger.batches import BatchKey
from ledger.errors import ClockSkew
from ledger.merkle import root
from ledger.reader import LogReader
from ledger.signer import Signer, SignerRefuses
from ledger.signer_state import PublishDirectory, StateFile
from ledger.types import Command, StoredEntry
from server.db import Database
from tests.support.calendar import Calendar, calendar
from tests.support.disks import full_disk, turned_bit
from tests.support.logs import BATCH_SEED, TestLog, born_log, clock_us, key_of, make_writer, public_gift
from tests.support.postgres import SIZES, Server

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


@pytest.mark.parametrize("step", ["save", "take", "show"])
async def test_f10_a_full_disk_signs_nothing_and_loses_nothing(
    database: Database, tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """f.10, full disk: what was there stays whole, nothing half-written is left, and it goes on when there is room."""
    async with born_log(database.writer) as log:
        signer = make(database.signer, tmp_path)
        await signer.start()
        signed = await signer.step()
        await log.give()
        holder: Any = StateFile if step == "save" else PublishDirectory
        genuine = getattr(holder, step)

        def on_a_full_disk(*args: Any) -> Any:
            with full_disk():
                return genuine(*args)

        files = _files(tmp_path)
        before = (tmp_path / "publish" / "checkpoint").read_bytes()
        monkeypatch.setattr(holder, step, on_a_full_disk)
        with pytest.raises(OSError, match="File too large"):
            await signer.step()
        monkeypatch.undo()
        assert (tmp_path / "publish" / "checkpoint").read_bytes() == before
        assert _files(tmp_path) == files + (step == "show")
        again = make(database.signer, tmp_path)
        await again.start()
        await again.step()
        newest = await log.reader.newest_checkpoint()
        assert newest is not None
        assert newest.size == signed + 1


def _files(directory: Path) -> int:
    return len(list(directory.rglob("*")))


async def _born_and_signed(server: Server, name: str, directory: Path, gifts: int) -> list[StoredEntry]:
    """A log that is signed, then `gifts` entries that are not; all its entries. Nobody is connected afterwards."""
    database = await Database.open(server.service_url(name), SIZES)
    async with born_log(database.writer) as log:
        signer = make(database.signer, directory)
        await signer.start()
        while await signer.step():
            pass
        for n in range(gifts % 256):  # each a batch of its own
            await log.give(2_500 + n)
        await asyncio.gather(*(log.give(2_500) for _ in range(gifts // 256 * 256)))
        size = (await log.reader.existing_head()).size
        entries = [entry for start in range(0, size, 500) for entry in await log.reader.entries(start, 500)]
    await database.close()
    return entries


async def _why_it_stops(server: Server, name: str, directory: Path) -> str:
    """Why the signer does not start, or halts the log."""
    database = await Database.open(server.service_url(name), SIZES)
    try:
        signer = make(database.signer, directory)
        await signer.start()
        while await signer.step():
            pass
        return (await LogReader(database.signer, "public").existing_head()).halted or "it goes on"
    except SignerRefuses as refused:
        return refused.sentence
    finally:
        await database.close()


@pytest.mark.parametrize("noticed", [True, False], ids=["the database notices", "nobody notices"])
async def test_f10_a_bit_that_turned_in_a_row_halts_the_log(
    postgres_server: Server, tmp_path: Path, *, noticed: bool
) -> None:
    """f.10, bit flip in a row: in the file of the table, while nobody had it in memory."""
    async with postgres_server.fresh() as name:
        entries = await _born_and_signed(postgres_server, name, tmp_path, 3)
        bad = entries[-2]
        spoiled = bad.bytes.replace(b"assets:cash", b"assets:bash")
        table = "ledger_entries_public_0"
        async with turned_bit(postgres_server, name, table, bad.bytes, spoiled, noticed=noticed) as copy:
            why = await _why_it_stops(postgres_server, copy, tmp_path)
        assert ("invalid page" if noticed else f"position {bad.position}: ") in why


async def test_f10_a_bit_that_turned_in_an_index_halts_the_log(postgres_server: Server, tmp_path: Path) -> None:
    """f.10, bit flip in an index: the row is whole, and is not found where it stands; checksums are not looked at."""
    async with postgres_server.fresh() as name:
        bad = (await _born_and_signed(postgres_server, name, tmp_path, 3))[-2]
        key, other = (b"\x0fpublic\x00" + n.to_bytes(8, "little") for n in (bad.position, bad.position ^ 1 << 20))
        index = "ledger_entries_public_0_pkey"
        async with turned_bit(postgres_server, name, index, key, other, noticed=False) as copy:
            why = await _why_it_stops(postgres_server, copy, tmp_path)
        assert f"position {bad.position}: " in why


@pytest.mark.parametrize("noticed", [True, False], ids=["the database notices", "nobody notices"])
async def test_f10_a_bit_that_turned_in_a_tile_halts_the_log_before_the_tile_grows(
    postgres_server: Server, tmp_path: Path, *, noticed: bool
) -> None:
    """f.10, bit flip in a tile: proofs are made of it, and it would be published longer, and no better."""
    async with postgres_server.fresh() as name:
        entries = await _born_and_signed(postgres_server, name, tmp_path, 256)
        assert await _why_it_stops(postgres_server, name, tmp_path) == "it goes on"
        hashed = root(entry.leaf_hash for entry in entries[:256])
        database = await Database.open(postgres_server.service_url(name), SIZES)
        writer = make_writer(database.writer, "public")
        await writer.start()
        await asyncio.gather(*(writer.append(Command((public_gift(n + 1),))) for n in range(300)))
        await writer.close()
        await database.close()
        turned = bytes([hashed[0] ^ 1]) + hashed[1:]
        async with turned_bit(postgres_server, name, "ledger_tiles_public", hashed, turned, noticed=noticed) as copy:
            why = await _why_it_stops(postgres_server, copy, tmp_path)
        assert ("invalid page" if noticed else "tile 1/0 does not hold the hashes") in why
