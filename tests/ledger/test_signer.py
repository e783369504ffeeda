"""The signer: what it signs, when it refuses to start, and what it does about a database that was touched."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ledger import checkpoint, tiles
from ledger.batches import BatchKey
from ledger.merkle import root
from ledger.note import SigningKey
from ledger.signer import ENTRIES_PER_TURN_MAX, Signer, SignerRefuses
from ledger.signer_state import PublishDirectory, StateFile
from ledger.store import WriterLimits
from server.db import Database
from tests.support.logs import BATCH_SEED, TestLog, born_log, clock_us, key_of, origin_of

Execute = Callable[[str], Awaitable[str]]


def make(database: Database, directory: Path, *, key: SigningKey | None = None) -> Signer:
    return Signer(
        database.signer,
        "public",
        key or key_of("public"),
        batch_public_key=BatchKey(BATCH_SEED).public,
        state=StateFile(directory / "state.json"),
        directory=PublishDirectory(directory / "publish"),
        clock=clock_us,
    )


async def sign_all(signer: Signer) -> None:
    while await signer.step():
        pass


async def started(database: Database, directory: Path) -> Signer:
    signer = make(database, directory)
    await signer.start()
    return signer


async def newest(log: TestLog) -> checkpoint.Checkpoint:
    stored = await log.reader.newest_checkpoint()
    assert stored is not None
    return checkpoint.open(stored.note, key_of("public").vkey)


async def test_what_is_signed_is_the_root_over_the_stored_bytes(database: Database, tmp_path: Path) -> None:
    async with born_log(database.writer) as log:
        signer = await started(database, tmp_path)
        for _ in range(3):
            await log.give()
            await sign_all(signer)
        signed = await newest(log)
        entries = await log.reader.entries(0)
        assert signed.size == len(entries)
        assert signed.root_hash == root(entry.leaf_hash for entry in entries)
        shown = (tmp_path / "publish" / "checkpoint").read_text()
        assert checkpoint.open(shown, key_of("public").vkey) == signed


async def test_tiles_of_level_one_hold_the_roots_of_full_tiles(database: Database, tmp_path: Path) -> None:
    async with born_log(database.writer, limits=WriterLimits(partition_entries=256)) as log:
        signer = await started(database, tmp_path)
        for _ in range(12):
            for _ in range(60):
                await log.give()
            await sign_all(signer)
        hashes = [entry.leaf_hash for entry in await log.reader.entries(0)]
        query = "select hashes from ledger_tiles where log = 'public' and level = 1 and n = 0"
        stored = await database.signer.fetchval(query)
        full = [root(hashes[i : i + tiles.TILE_WIDTH]) for i in range(0, len(hashes) - 255, tiles.TILE_WIDTH)]
        assert stored == b"".join(full)


async def test_a_restarted_signer_goes_on_where_it_was(database: Database, tmp_path: Path) -> None:
    async with born_log(database.writer) as log:
        await sign_all(await started(database, tmp_path))
        await log.give()
        await sign_all(await started(database, tmp_path))
        assert (await newest(log)).size == (await log.reader.existing_head()).size


@pytest.mark.parametrize("step", ["save", "sign", "take", "_store", "show"])
async def test_killed_after_any_step_the_next_start_signs_the_same(
    database: Database, tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with born_log(database.writer) as log:
        signer = await started(database, tmp_path)
        await sign_all(signer)
        await log.give()
        holder: Any = {"save": StateFile, "sign": SigningKey, "take": PublishDirectory, "show": PublishDirectory}.get(
            step, Signer
        )
        genuine = getattr(holder, step)

        def dies(*args: Any) -> Any:
            genuine(*args)
            raise KeyboardInterrupt(step)

        async def dies_later(*args: Any) -> None:
            await genuine(*args)
            raise KeyboardInterrupt(step)

        monkeypatch.setattr(holder, step, dies_later if step == "_store" else dies)
        with pytest.raises(KeyboardInterrupt):
            await signer.step()
        monkeypatch.undo()
        await sign_all(await started(database, tmp_path))
        await log.give()
        await sign_all(await started(database, tmp_path))
        entries = await log.reader.entries(0)
        signed = await newest(log)
        assert (signed.size, signed.root_hash) == (len(entries), root(entry.leaf_hash for entry in entries))
        sizes = [
            row["size"] for row in await database.signer.fetch("select size from ledger_checkpoints order by size")
        ]
        assert len(set(sizes)) == len(sizes)


async def test_e8_a_lost_state_is_never_rebuilt_from_the_database(database: Database, tmp_path: Path) -> None:
    async with born_log(database.writer):
        await sign_all(await started(database, tmp_path))
        (tmp_path / "state.json").unlink()
        with pytest.raises(SignerRefuses, match="state of public is lost"):
            await started(database, tmp_path)


async def test_e8_an_older_state_is_refused(database: Database, tmp_path: Path) -> None:
    async with born_log(database.writer) as log:
        await sign_all(await started(database, tmp_path))
        shutil.copy(tmp_path / "state.json", tmp_path / "older.json")
        await log.give()
        await sign_all(await started(database, tmp_path))
        (tmp_path / "older.json").replace(tmp_path / "state.json")
        with pytest.raises(SignerRefuses, match="remembers only"):
            await started(database, tmp_path)


async def test_e7_a_database_that_lost_its_tail_is_refused(
    database: Database, tmp_path: Path, postgres_admin: Execute
) -> None:
    async with born_log(database.writer) as log:
        await log.give()
        await sign_all(await started(database, tmp_path))
        await postgres_admin("update ledger_heads set size = size - 1 where log = 'public'")
        with pytest.raises(SignerRefuses, match="were signed"):
            await started(database, tmp_path)


async def test_another_history_of_the_same_length_is_refused(
    database: Database, tmp_path: Path, postgres_admin: Execute
) -> None:
    async with born_log(database.writer) as log:
        last = (await log.give()).first
        await sign_all(await started(database, tmp_path))
        await postgres_admin("drop trigger no_change on ledger_entries")
        await postgres_admin(
            "update ledger_entries set bytes = replace(encode(bytes, 'escape'), '2500', '2600')::bytea"
            f" where position = {last}"
        )
        with pytest.raises(SignerRefuses, match="not those that were signed"):
            await started(database, tmp_path)


async def test_another_key_is_refused(database: Database, tmp_path: Path) -> None:
    async with born_log(database.writer):
        await sign_all(await started(database, tmp_path))
        with pytest.raises(SignerRefuses, match="signing key"):
            await make(database, tmp_path, key=SigningKey(origin_of("public"), b"x" * 32)).start()


async def test_a_key_that_entry_0_does_not_name_is_refused_before_it_signs_or_halts_anything(
    database: Database, tmp_path: Path
) -> None:
    async with born_log(database.writer) as log:
        with pytest.raises(SignerRefuses, match="not the one that entry 0 names"):
            await make(database, tmp_path, key=SigningKey(origin_of("public"), b"x" * 32)).start()
        assert (await log.reader.existing_head()).halted is None
        await sign_all(await started(database, tmp_path))


async def test_a_start_reads_the_right_edge_only(database: Database, tmp_path: Path, postgres_admin: Execute) -> None:
    """Everything but the newest tile is taken away, and nobody notices: start time cannot grow with the log."""
    async with born_log(database.writer) as log:
        await asyncio.gather(*(log.give(1) for _ in range(700)))
        await sign_all(await started(database, tmp_path))
        edge = (await newest(log)).size // 256 * 256
        await postgres_admin("drop trigger no_change on ledger_entries")
        await postgres_admin(f"delete from ledger_entries where position < {edge}")
        signer = await started(database, tmp_path)
        await log.give(1)
        assert await signer.step() == 1


async def test_a_long_step_lets_others_work(database: Database, tmp_path: Path) -> None:
    """Appends and sockets of the same process go on while two thousand entries are recomputed."""
    async with born_log(database.writer) as log:
        await asyncio.gather(*(log.give(1) for _ in range(1_500)))
        signer = await started(database, tmp_path)
        signing = asyncio.create_task(sign_all(signer))
        turns = 0
        while not signing.done():
            await asyncio.sleep(0)
            turns += 1
        await signing
        assert turns > 1_500 // ENTRIES_PER_TURN_MAX


async def test_e6_of_two_signers_the_second_stops(database: Database, tmp_path: Path) -> None:
    async with born_log(database.writer) as log:
        first = await started(database, tmp_path)
        await sign_all(first)
        shutil.copytree(tmp_path / "publish", tmp_path / "twin" / "publish")
        shutil.copy(tmp_path / "state.json", tmp_path / "twin" / "state.json")
        shutil.rmtree(tmp_path / "twin" / "publish")
        (tmp_path / "twin" / "publish").symlink_to(tmp_path / "publish")
        second = await started(database, tmp_path / "twin")
        await log.give()
        await sign_all(first)
        await log.give()
        with pytest.raises(SignerRefuses, match="Another signer"):
            await second.step()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "update ledger_entries set bytes = replace(encode(bytes, 'escape'), '250', '99')::bytea where position={p}",
            "leaf",
        ),
        ("update ledger_entries set leaf_hash = sha256('x') where position = {p}", ""),
        (
            "update ledger_batches set signature = decode(repeat('00', 64), 'hex') where first = {p}",
            "not signed by the writer",
        ),
        ("delete from ledger_batches where first = {p}", "no batch signature"),
        ("delete from ledger_entries where position = {p}", ""),
        ("update ledger_batches set epoch = 9 where first = {p}", "not signed by the writer"),
    ],
)
async def test_a_touched_database_halts_the_log_at_the_position(
    database: Database, tmp_path: Path, postgres_admin: Execute, statement: str, says: str
) -> None:
    async with born_log(database.writer) as log:
        signer = await started(database, tmp_path)
        await sign_all(signer)
        signed = (await newest(log)).size
        position = (await log.give()).first
        await log.give()
        await postgres_admin("drop trigger no_change on ledger_entries; drop trigger no_change on ledger_batches")
        await postgres_admin(statement.format(p=position))
        assert await signer.step() == 0
        halted = (await log.reader.existing_head()).halted
        assert halted is not None
        assert f"position {position}" in halted
        assert says in halted
        assert (await newest(log)).size == signed
        assert await signer.step() == 0
