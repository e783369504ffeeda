"""Keeping the books as an operator does: the real service, its command line, and what it says."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from server.embedded.postgres import EmbeddedPostgres
from tests.server.cli.command_line import refused, run
from tests.support.service import Service, service, wait_until


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Path, str]]:
    """A service that gifts come into, a backup taken meanwhile, and the head that a stranger saw before."""
    base = tmp_path_factory.mktemp("kept")
    with service(base / "old", "--demo", "--rate", "40") as running:
        running.start()
        wait_until(lambda: size(running) > 150, "150 entries")
        seen = base / "seen.txt"
        assert running.verify("--first-use", str(seen))[0] == 2
        before = size(running)
        done = run("backup", str(base / "backup"), "--data-dir", str(running.data_dir))
        assert done.returncode == 0, done.stderr
        assert "keep it somewhere else" in done.stdout
        wait_until(lambda: size(running) > before, "more entries after the backup")
        yield running, base, str(seen)


def size(running: Service) -> int:
    newest = running.json("/status")["checkpoint"]
    return int(newest["size"]) if newest else 0


def test_fsck_finds_nothing_beside_the_running_service(kept: tuple[Service, Path, str]) -> None:
    running = kept[0]
    told = json.loads(run("fsck", "--json", "--data-dir", str(running.data_dir)).stdout)
    assert told["faults"] == 0
    assert {log["log"]: log["size"] > 100 for log in told["logs"]} == {"audit": False, "books": True, "public": True}
    words = run("fsck", "--log", "public", "--data-dir", str(running.data_dir))
    assert (words.returncode, "no fault" in words.stdout, "books" in words.stdout) == (0, True, False)
    refused(
        run("fsck", "--log", "shop", "--data-dir", str(running.data_dir)), "There is no log 'shop'", "books, public"
    )


async def sql(data_dir: Path, statement: str) -> None:
    connection = await asyncpg.connect(EmbeddedPostgres(data_dir).admin_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def test_a_backup_is_restored_goes_on_and_a_stranger_sees_no_difference(kept: tuple[Service, Path, str]) -> None:
    _, base, seen = kept
    new = base / "new"
    done = run("restore", str(base / "backup"), "--data-dir", str(new), "--safe", str(base / "old" / "safe"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("without fault") == 3
    assert run("fsck", "--data-dir", str(new)).returncode == 0
    with service(new, "--demo", "--rate", "40") as restored:
        restored.start()
        before = size(restored)
        wait_until(lambda: size(restored) > before + 20, "the restored log goes on")
        assert restored.verify("--trusted", seen)[0] == 0
    refused(run("restore", str(base / "backup"), "--data-dir", str(new)), "was signed further", "another --data-dir")


def test_an_old_process_is_fenced_by_the_epoch_of_the_restored_log(kept: tuple[Service, Path, str]) -> None:
    running, base, _ = kept
    new = base / "fenced"
    safe = ("--safe", str(base / "old" / "safe"))
    assert run("restore", str(base / "backup"), "--data-dir", str(new), *safe).returncode == 0
    manifest = json.loads((base / "backup" / "manifest.json").read_text())
    with service(new) as restored:
        restored.environment["SECONDWIND_MODE"] = "demo"
        restored.start()

        async def epochs() -> list[int]:
            connection = await asyncpg.connect(EmbeddedPostgres(new).admin_url)
            try:
                return [row["epoch"] for row in await connection.fetch("select epoch from ledger_heads order by log")]
            finally:
                await connection.close()

        assert asyncio.run(epochs()) == [head["epoch"] + 1 for _, head in sorted(manifest["heads"].items())]
    assert running.process is not None


def copy_of(kept: tuple[Service, Path, str], name: str) -> Path:
    backup = kept[1] / name
    shutil.copytree(kept[1] / "backup", backup)
    return backup


def refused_and_empty(backup: Path, new: Path, *says: str) -> None:
    """Refused with these words, and another, good backup can still be restored there."""
    refused(run("restore", str(backup), "--data-dir", str(new)), *says)
    assert not list((new / "keys").glob("*.key"))


@pytest.mark.parametrize("name", ["data/ledger_entries.copy.gz", "signer/public.json", "keys/writer.key"])
def test_one_changed_byte_of_a_backup_is_named(kept: tuple[Service, Path, str], name: str, tmp_path: Path) -> None:
    backup = copy_of(kept, f"spoiled-{Path(name).name}")
    path = backup / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    refused_and_empty(backup, tmp_path / "new", f"{name} of the backup is not as it was written")


def test_an_unfinished_backup_and_a_lost_file_are_named(kept: tuple[Service, Path, str], tmp_path: Path) -> None:
    backup = copy_of(kept, "lost")
    (backup / "data" / "ledger_heads.copy.gz").unlink()
    refused_and_empty(backup, tmp_path / "new", "The backup lacks data/ledger_heads.copy.gz")
    (backup / "manifest.json").unlink()
    refused_and_empty(backup, tmp_path / "new", "holds no finished backup")
    refused_and_empty(tmp_path / "nowhere", tmp_path / "new", "holds no finished backup")


def test_a_backup_of_another_schema_says_which_version_to_use(kept: tuple[Service, Path, str], tmp_path: Path) -> None:
    backup = copy_of(kept, "newer")
    manifest = json.loads((backup / "manifest.json").read_text())
    manifest["schema"].append("9999_pre_future")
    (backup / "manifest.json").write_text(json.dumps(manifest))
    refused_and_empty(backup, tmp_path / "new", "ends with 9999_pre_future", "Restore with the version that made it")


def test_a_backup_is_never_written_over(kept: tuple[Service, Path, str]) -> None:
    refused(run("backup", str(kept[1] / "backup"), "--data-dir", str(kept[0].data_dir)), "is not empty")


def test_keys_can_be_left_out(kept: tuple[Service, Path, str]) -> None:
    running, base, _ = kept
    done = run("backup", str(base / "keyless"), "--without-keys", "--data-dir", str(running.data_dir))
    assert done.returncode == 0
    assert "Without keys" in done.stdout
    assert not (base / "keyless" / "keys").exists()
    assert oct((base / "keyless").stat().st_mode & 0o777) == "0o700"


def test_a_read_model_that_stopped_is_rebuilt_while_gifts_come_in(kept: tuple[Service, Path, str]) -> None:
    running = kept[0]
    broken = (
        "update ledger_tracking set failed = 'KeyError: by hand' where projection = 'public_lists';"
        "update public_lines set total = total + 1"
    )
    asyncio.run(sql(running.data_dir, broken))
    assert "stopped: KeyError: by hand" in run("rebuild", "--data-dir", str(running.data_dir)).stdout
    done = run("rebuild", "public_lists", "--data-dir", str(running.data_dir))
    assert done.returncode == 0, done.stderr
    wait_until(
        lambda: running.json("/api/v1/ledger/trial-balance")["size"] > size(running) - 40,
        "the lists follow the log again",
    )
    balances = running.json("/api/v1/ledger/trial-balance")["balances"]
    assert sum(int(balance["balance_minor"]) for balance in balances) == 0
    refused(
        run("rebuild", "gossip", "--data-dir", str(running.data_dir)), "There is no read model 'gossip'", "giving_gifts"
    )
