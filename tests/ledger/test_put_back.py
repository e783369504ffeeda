"""Machines that are put back, doubled or stopped: no second history is ever signed or written.

Real databases, copied as a backup or a virtual machine's snapshot is; real processes for signers and zombies.
tests/ledger/README.md says by which check each of these is caught.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger import checkpoint
from ledger.merkle import root
from ledger.reader import LogReader
from ledger.signer import SignerRefuses
from ledger.types import Command
from server.db import Database
from tests.ledger.test_signer_faults import make
from tests.support.logs import born_log, key_of, make_writer, public_gift
from tests.support.postgres import SIZES, Server
from tests.support.service import ROOT
from tests.support.signing import REFUSED

Execute = Callable[[str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Machine:
    """A database by name, and a directory with the signer's state and what it published."""

    server: Server
    database: str
    directory: Path

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Database]:
        """Its pools, open."""
        database = await Database.open(self.server.service_url(self.database), SIZES)
        try:
            yield database
        finally:
            await database.close()

    async def go_on(self, amount: int, gifts: int = 1) -> None:
        """Append and sign, as the service does after a start."""
        async with self.running() as database:
            writer = make_writer(database.writer, "public")
            await writer.start()
            for _ in range(gifts):
                await writer.append(Command((public_gift(amount),)))
            await writer.close()
            signer = make(database.signer, self.directory)
            await signer.start()
            await signer.step()

    def shown(self) -> checkpoint.Checkpoint:
        """The checkpoint that everybody sees."""
        return checkpoint.open((self.directory / "publish" / "checkpoint").read_text(), key_of("public").verify_key)


@asynccontextmanager
async def machine_and_backup(server: Server, directory: Path) -> AsyncIterator[tuple[Machine, Machine]]:
    """A machine that signed, went on and signed again; and its database and state as they were in between."""
    before = directory / "before"
    async with server.fresh() as name:
        machine = Machine(server, name, directory)
        async with machine.running() as database, born_log(database.writer):
            pass
        await machine.go_on(2_500)
        async with server.copy_of(name) as copied:
            before.mkdir()
            shutil.copy(directory / "state.json", before / "state.json")
            (before / "publish").symlink_to(directory / "publish")  # what was published stays published
            await machine.go_on(2_500)
            yield machine, Machine(server, copied, before)


async def test_e6_a_restored_backup_is_refused(postgres_server: Server, tmp_path: Path) -> None:
    """Attacks E6, f.10 "truncate tail": the database is put back, the signer remembers more than it holds."""
    async with machine_and_backup(postgres_server, tmp_path) as (machine, backup):
        shutil.copy(machine.directory / "state.json", backup.directory / "state.json")
        shown = machine.shown()
        async with backup.running() as database:
            with pytest.raises(SignerRefuses, match="An older backup was restored"):
                await make(database.signer, backup.directory).start()
            assert (await LogReader(database.signer, "public").existing_head()).halted is None
        assert backup.shown() == shown


async def test_e6_a_restored_backup_that_grew_again_is_refused(postgres_server: Server, tmp_path: Path) -> None:
    """Attacks E6, f.10 "truncate and regrow": as many entries as before and more, and others."""
    async with machine_and_backup(postgres_server, tmp_path) as (machine, backup):
        shutil.copy(machine.directory / "state.json", backup.directory / "state.json")
        shown = machine.shown()
        with pytest.raises(SignerRefuses, match="not those that were signed"):
            await backup.go_on(9_900, gifts=2)
        assert backup.shown() == shown


async def test_e8_a_virtual_machine_that_was_put_back_is_refused(postgres_server: Server, tmp_path: Path) -> None:
    """Attacks E8: database and signer's state are of one age and agree; only what was published is newer."""
    async with machine_and_backup(postgres_server, tmp_path) as (machine, snapshot):
        shown = machine.shown()
        async with snapshot.running() as database:
            with pytest.raises(SignerRefuses, match="was published, the signer remembers only") as refused:
                await make(database.signer, snapshot.directory).start()
            assert "restore the newest one" in refused.value.remedy
        with pytest.raises(SignerRefuses, match="was published, the signer remembers only"):
            await snapshot.go_on(9_900, gifts=2)
        assert snapshot.shown() == shown


async def test_e8_a_virtual_machine_put_back_while_it_ran_signs_nothing_that_anybody_sees(
    postgres_server: Server, tmp_path: Path
) -> None:
    """Attacks E8: a snapshot holds the signer's memory as well; it does not start again, it goes on."""
    async with postgres_server.fresh() as name:
        machine = Machine(postgres_server, name, tmp_path)
        async with machine.running() as database, born_log(database.writer):
            pass
        await machine.go_on(2_500)
        async with postgres_server.copy_of(name) as copied:
            before = tmp_path / "before"
            before.mkdir()
            shutil.copy(tmp_path / "state.json", before / "state.json")
            (before / "publish").symlink_to(tmp_path / "publish")
            snapshot = Machine(postgres_server, copied, before)
            async with snapshot.running() as database:
                signer = make(database.signer, before)
                await signer.start()
                await machine.go_on(2_500)
                shown = machine.shown()
                writer = make_writer(database.writer, "public")
                await writer.start()
                await writer.append(Command((public_gift(9_900),)))
                await writer.close()
                with pytest.raises(SignerRefuses, match="Another signer has published"):
                    await signer.step()
                newest = await LogReader(database.signer, "public").newest_checkpoint()
                assert newest is not None
                assert newest.size == shown.size - 1
            assert machine.shown() == shown


async def test_e6_of_two_signers_in_two_processes_at_most_one_goes_on(
    postgres_server: Server, database: Database, tmp_path: Path
) -> None:
    """Attacks E6, f.10 "two signers": both start from one state, on one log that grows; nothing forks."""
    async with born_log(database.writer) as log:
        first = make(database.signer, tmp_path)
        await first.start()
        await first.step()
        name = await database.writer.fetchval("select current_database()")
        processes = []
        for number in (1, 2):
            state = tmp_path / f"state-{number}.json"
            shutil.copy(tmp_path / "state.json", state)
            arguments = (postgres_server.service_url(name), str(state), str(tmp_path / "publish"))
            processes.append(await _python("tests.support.signing", *arguments))
        ends = [asyncio.create_task(process.wait()) for process in processes]
        async with asyncio.timeout(30):
            while not any(end.done() for end in ends):
                await log.give(1)
        for process in processes:
            if process.returncode is None:
                process.kill()
        said = [out.decode().splitlines() for out, _ in [await process.communicate() for process in processes]]
        refused = [lines[-1] for process, lines in zip(processes, said, strict=True) if process.returncode == REFUSED]
        assert refused
        assert all("public" in line and ("Another signer" in line or "remembers only" in line) for line in refused)
        leaves = [entry.leaf_hash for entry in await log.reader.entries(0)]
        rows = await database.signer.fetch("select size, note from ledger_checkpoints where log = 'public'")
        notes = [row["note"] for row in rows] + [
            path.read_text() for path in (tmp_path / "publish").glob("checkpoint*")
        ]
        assert len(notes) > 3
        for text in notes:
            signed = checkpoint.open(text, key_of("public").verify_key)
            assert signed.root_hash == root(leaves[: signed.size])


async def test_e4_a_zombie_writer_wakes_after_a_fail_over_and_writes_nothing(
    postgres_server: Server, database: Database, postgres_admin: Execute
) -> None:
    """Attacks E4, f.10 "zombie writer": a process is stopped, the log fails over, the process goes on."""
    async with born_log(database.writer) as log:
        name = await database.writer.fetchval("select current_database()")
        zombie = await _python("tests.support.rival", postgres_server.service_url(name), "0")
        assert zombie.stdout is not None
        said = [int(await zombie.stdout.readline()) for _ in range(60)]
        zombie.send_signal(signal.SIGSTOP)
        await postgres_admin("update ledger_heads set epoch = epoch + 1 where log = 'public'")
        successor = make_writer(database.writer, "public", epoch=2)
        await successor.start()
        taken_over = (await successor.append(Command((public_gift(7),)))).first
        zombie.send_signal(signal.SIGCONT)
        out, error = await zombie.communicate()
        said += [int(line) for line in out.split()]
        assert zombie.returncode != 0
        assert b"this process started at 1: restart it" in error
        assert max(said) < taken_over
        await successor.append(Command((public_gift(7),)))
        await successor.close()
        late = "select count(*) from ledger_batches where log = 'public' and epoch = 1 and last >= $1"
        assert await database.signer.fetchval(late, taken_over) == 0
        assert (await log.reader.existing_head()).size == taken_over + 2


async def _python(module: str, *arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", module, *arguments)
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=pipe, stderr=pipe)
