"""A log changes its keys: the signer follows the entries, over restarts, and a thief cannot name a key (attacks A4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger import checkpoint, note
from ledger.batches import BatchKey
from ledger.errors import Halted, InvalidCommand
from ledger.held_keys import HeldKeys
from ledger.keys import INTRODUCED, RETIRED, Keyring, change
from ledger.note import SigningKey
from ledger.signer import Signer, SignerRefuses
from ledger.signer_state import PublishDirectory, StateFile
from ledger.types import Command, Draft
from server.db import Database
from tests.support.logs import BATCH_SEED, RECOVERY_SEED, TestLog, born_log, clock_us, key_of, origin_of

ORIGIN = origin_of("public")
OLD = key_of("public")
NEW = SigningKey(ORIGIN, bytes([7]) * 32)
RECOVERY = SigningKey("recovery", RECOVERY_SEED)


async def signer(database: Database, directory: Path, files: list[SigningKey]) -> Signer:
    made = Signer(
        database.signer,
        "public",
        HeldKeys(lambda: list(files)),
        batch_public_key=BatchKey(BATCH_SEED).public,
        state=StateFile(directory / "state.json"),
        directory=PublishDirectory(directory / "publish"),
        clock=clock_us,
    )
    await made.start()
    return made


async def changed(log: TestLog, event_type: str, key: SigningKey, size: int, recovery: SigningKey = RECOVERY) -> None:
    await log.writer.append(Command((Draft(event_type, change(ORIGIN, event_type, key.vkey, size, recovery)),)))


async def size_of(log: TestLog) -> int:
    return (await log.reader.existing_head()).size


async def signed_at_next(log: TestLog, one: Signer) -> tuple[int, list[SigningKey]]:
    """One more gift, signed: the size, and which keys' signatures the checkpoint bears."""
    await log.give()
    while await one.step():
        pass
    stored = await log.reader.newest_checkpoint()
    assert stored is not None
    lines = {(s.name, s.key_id) for s in note.split(stored.note)[1]}
    keys = [key for key in (OLD, NEW) if (key.name, key.verify_key.key_id) in lines]
    assert checkpoint.open(stored.note, [key.verify_key for key in keys]).size == stored.size
    assert len(lines) == len(keys)
    return stored.size, keys


async def test_keys_change_at_the_sizes_that_the_entries_name_and_over_every_restart(
    database: Database, tmp_path: Path
) -> None:
    files = [OLD]
    async with born_log(database.writer) as log:
        one = await signer(database, tmp_path, files)
        files.append(NEW)
        base = await size_of(log)
        await changed(log, INTRODUCED, NEW, base + 4)
        await changed(log, RETIRED, OLD, base + 7)
        seen: dict[int, list[SigningKey]] = {}
        for _ in range(8):
            size, keys = await signed_at_next(log, one)
            seen[size - base] = keys
            one = await signer(database, tmp_path, files)  # as after a kill: what was signed is signed again
    assert seen == {3: [OLD], 4: [OLD, NEW], 5: [OLD, NEW], 6: [OLD, NEW], 7: [OLD, NEW], 8: [NEW], 9: [NEW], 10: [NEW]}


async def test_a_retired_key_s_file_may_go_before_anything_is_signed_without_it(
    database: Database, tmp_path: Path
) -> None:
    """What only the old key signed stays this log's, and the last number is taken again by the new key alone."""
    files = [OLD, NEW]
    async with born_log(database.writer) as log:
        one = await signer(database, tmp_path, files)
        base = await size_of(log)
        await changed(log, INTRODUCED, NEW, base + 3)
        await changed(log, RETIRED, OLD, base + 3)
        assert await signed_at_next(log, one) == (base + 3, [OLD, NEW])
        files.remove(OLD)
        one = await signer(database, tmp_path, files)
        assert await signed_at_next(log, one) == (base + 4, [NEW])


async def test_without_a_key_in_force_nothing_is_signed(database: Database, tmp_path: Path) -> None:
    """The new key's file was lost: the log waits for it, and goes on when it is back."""
    files = [OLD]
    async with born_log(database.writer) as log:
        one = await signer(database, tmp_path, files)
        base = await size_of(log)
        await changed(log, INTRODUCED, NEW, base + 2)
        await changed(log, RETIRED, OLD, base + 2)
        await log.give()
        with pytest.raises(SignerRefuses, match=f"signs it at {base + 3} entries"):
            await one.step()
        files.append(NEW)
        assert await one.step() == base + 3
        files.remove(NEW)
        with pytest.raises(SignerRefuses, match="not the one that signs it"):
            await signer(database, tmp_path, files)


async def test_a_thief_with_the_log_s_key_cannot_introduce_one_or_retire_ours(database: Database) -> None:
    """A4: he holds the log's key and the writer's; the recovery key lies in a safe."""
    async with born_log(database.writer) as log:
        size = await size_of(log)
        for pretended in (OLD, NEW):
            for event_type, key in ((INTRODUCED, NEW), (RETIRED, OLD)):
                with pytest.raises(InvalidCommand, match="recovery key has not signed"):
                    await changed(log, event_type, key, size + 50, recovery=pretended)
        assert await size_of(log) == size


async def test_a_key_that_a_thief_wrote_into_the_database_halts_the_log_before_it_signs_anything(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A4: he also has the writer's key and changed its code; the signer judges for itself, and so does every reader."""
    async with born_log(database.writer) as log:
        one = await signer(database, tmp_path, [OLD, NEW])
        size, _ = await signed_at_next(log, one)
        with monkeypatch.context() as thief:
            thief.setattr(Keyring, "changed", lambda self, _entry: self)
            await changed(log, INTRODUCED, NEW, size + 2, recovery=OLD)
        await log.give()
        assert await one.step() == 0
        assert "recovery key has not signed" in str((await log.reader.existing_head()).halted)
        with pytest.raises(Halted):
            await log.give()
        stored = await log.reader.newest_checkpoint()
        assert stored is not None
        assert stored.size == size


async def test_a_stolen_statement_serves_no_other_log_key_size_or_change(database: Database) -> None:
    """A4: what the recovery key once signed says one thing."""
    async with born_log(database.writer) as log:
        size = await size_of(log) + 50
        told = change(ORIGIN, INTRODUCED, NEW.vkey, size, RECOVERY)
        other = SigningKey(ORIGIN, bytes([9]) * 32)
        elsewhere = change(origin_of("books"), INTRODUCED, NEW.vkey, size, RECOVERY)
        for data in ({**told, "size": size + 1}, {**told, "key": other.vkey}, elsewhere):
            with pytest.raises(InvalidCommand, match="recovery key has not signed"):
                await log.writer.append(Command((Draft(INTRODUCED, data),)))
        with pytest.raises(InvalidCommand, match="recovery key has not signed"):
            await log.writer.append(Command((Draft(RETIRED, {**told, "key": OLD.vkey}),)))
