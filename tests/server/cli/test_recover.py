"""`secondwind recover` as an operator meets it: the database is lost; an old backup and published files are left."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from server.embedded.postgres import EmbeddedPostgres
from tests.server.cli.command_line import refused, run
from tests.support.giving import Tally, giving
from tests.support.service import service, wait_until

RATE = 60.0
BESIDE = {
    "ledger_entries": "position",
    "ledger_batches": "first",
    "ledger_slots": "position",
    "ledger_stream_entries": "position",
    "ledger_idempotency": "first",
    "ledger_claims": "position",
    "ledger_rules": "position",
    "ledger_balances": "position",
}
"""Every table of the ledger, and the column that says which entry a row belongs to."""


async def rows_of(data_dir: Path, sizes: dict[str, int]) -> dict[str, set[str]]:
    """Every row beside the first entries of each log, as text."""
    connection = await asyncpg.connect(EmbeddedPostgres(data_dir).admin_url)
    try:
        found = {}
        for log, size in sizes.items():
            for table, column in BESIDE.items():
                end = size + (table == "ledger_balances")  # a balance names the size after its newest entry
                query = f"select t::text from {table} t where log = $1 and {column} < $2"
                found[f"{log} {table}"] = {row[0] for row in await connection.fetch(query, log, end)}
        marks = "select key::text || position from payments_inbox where position < $1 and outcome = 'booked'"
        found["inbox"] = {row[0] for row in await connection.fetch(marks, sizes["books"])}
        anchors = "select a::text from publishing_anchors a where position < $1"
        found["anchors"] = {row[0] for row in await connection.fetch(anchors, sizes["public"])}
        return found
    finally:
        await connection.close()


def published_sizes(data_dir: Path) -> dict[str, int]:
    """What each log had shown when it was killed: nothing is shown that is not published as files before."""
    notes = {log: (data_dir / "publish" / log / "checkpoint").read_text() for log in ("books", "audit", "public")}
    return {log: int(note.split("\n")[1]) for log, note in notes.items()}


async def test_a_lost_tail_is_brought_back_and_nothing_is_booked_twice(tmp_path: Path) -> None:
    """Attacks E6, E7, E8: kill -9, an old backup; then every webhook is sent again."""
    files, old, new = tmp_path / "files", tmp_path / "old", tmp_path / "new"
    async with giving() as first, giving(Tally()) as again:
        surroundings = {**first.environment, "SECONDWIND_PUBLISH_TO": str(files)}
        with service(old, **surroundings) as running:
            running.start()
            await first.give(running, 12, rate=RATE, seed="before")
            done = await asyncio.to_thread(run, "backup", str(tmp_path / "backup"), "--data-dir", str(old))
            assert done.returncode == 0, done.stderr
            await first.give(running, 25, rate=RATE, seed="after")
            await first.settled(running, EmbeddedPostgres(old).admin_url)
            seen = str(tmp_path / "seen")
            assert (await asyncio.to_thread(running.verify, "--first-use", seen))[0] == 2
            cut = asyncio.create_task(first.give(running, 80, rate=RATE, seed="cut"))
            await asyncio.to_thread(wait_until, lambda: published_sizes(old)["books"] > 90, "a tail")
            running.kill()
            cut.cancel()
            await asyncio.gather(cut, return_exceptions=True)
            sizes = published_sizes(old)
            lost = await rows_of(old, sizes)

        restored = await asyncio.to_thread(
            run, "restore", str(tmp_path / "backup"), "--data-dir", str(new), "--safe", str(old / "safe")
        )
        assert restored.returncode == 0, restored.stderr
        with service(new, **again.environment, SECONDWIND_PUBLISH_TO=str(files)) as running:
            with pytest.raises(AssertionError):
                running.start()
            assert "secondwind recover" in running.log()
            await refuse_spoiled_files(new, files)
            done = await asyncio.to_thread(run, "recover", "--from", str(files), "--data-dir", str(new))
            assert done.returncode == 0, done.stdout + done.stderr
            assert f"{sizes['books']} are published" in done.stdout

            running.start()
            found = await rows_of(new, sizes)
            assert {name: rows - found[name] for name, rows in lost.items() if rows - found[name]} == {}
            assert (await asyncio.to_thread(running.verify, "--trusted", seen))[0] == 0
            for seed, gifts in (("before", 12), ("after", 25), ("cut", 80)):
                await again.give(running, gifts, rate=RATE * 4, seed=seed)
            admin_url = EmbeddedPostgres(new).admin_url
            await again.settled(running, admin_url)
            await again.hold(admin_url)
            judged = await asyncio.to_thread(run, "fsck", "--data-dir", str(new))
            assert judged.returncode == 0, judged.stdout
            assert (await asyncio.to_thread(running.verify, "--trusted", seen))[0] == 0


async def refuse_spoiled_files(data_dir: Path, files: Path) -> None:
    """Files that are not all there, or not as they were written, are named, and change nothing."""
    for number, (harm, says) in enumerate(HARMS):
        spoiled = files.parent / f"spoiled-{number}"
        shutil.copytree(files, spoiled)
        harm(spoiled)
        done = await asyncio.to_thread(run, "recover", "--from", str(spoiled), "--data-dir", str(data_dir))
        refused(done, *says)


def newest(folder: Path) -> Path:
    """The widest partial file, which the newest checkpoint needs."""
    return max(
        (path for path in folder.rglob("*") if path.is_file()), key=lambda path: (str(path.parent), int(path.name))
    )


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


Harm = tuple[Callable[[Path], object], tuple[str, ...]]
HARMS: tuple[Harm, ...] = (
    (lambda files: shutil.rmtree(files / "sealed"), ("lack checkpoint", "sealed/", "booked twice")),
    (lambda files: flip(newest(files / "ledger/tile/entries")), ("tile/entries/", "changed")),
)
