"""Whatever a killed service left behind, the next start gets past it; what is not its own it leaves alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from pathlib import Path

import asyncpg
import pytest

from server.embedded import leftovers
from server.embedded.postgres import EmbeddedPostgres
from server.errors import StartRefused

pytestmark = pytest.mark.timeout(120)
BUSY = "select count(*) from generate_series(1, 2000000000)"


async def test_a_backend_that_is_busy_while_its_postmaster_dies_does_not_stop_the_next_start(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path)
    await postgres.start()
    connection = await asyncpg.connect(postgres.admin_url)
    backend = connection.get_server_pid()
    busy = asyncio.create_task(connection.execute(BUSY))
    cluster = tmp_path / "postgres" / "cluster"
    watcher = await asyncpg.connect(postgres.admin_url)
    async with asyncio.timeout(10):
        while not await watcher.fetchval("select 1 from pg_stat_activity where pid = $1 and state = 'active'", backend):
            await asyncio.sleep(0.01)
    await watcher.close()
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGKILL)
    said: list[str] = []
    again = EmbeddedPostgres(tmp_path, say=said.append)
    await again.start()
    assert said == ["ending database processes that outlived their postmaster"]
    assert backend not in leftovers.orphans(cluster)
    fresh = await asyncpg.connect(again.service_url)
    assert await fresh.fetchval("select 1") == 1
    await fresh.close()
    with contextlib.suppress(asyncpg.PostgresError, OSError):
        await busy
    await again.stop()
    await postgres.stop()


def test_only_backends_of_the_cluster_count_as_its_own(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], cwd=tmp_path) as visitor:
        assert leftovers.orphans(tmp_path) == []
        visitor.kill()


@pytest.mark.parametrize("text", ["", "nonsense\n", "4194305\n/data\n"])
async def test_a_lock_file_that_names_nobody_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "postmaster.pid").write_text(text)
    said: list[str] = []
    await leftovers.clear(tmp_path, said.append)
    assert said == []


def test_a_pid_that_went_to_another_program_is_not_the_postmaster(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (tmp_path / "postmaster.pid").write_text(f"{stranger.pid}\n")
        assert leftovers.postmaster_pid(tmp_path) is None
        stranger.kill()


def test_a_process_that_does_not_stop_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "STOP_TIMEOUT_S", 0.05)
    script = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (2, 3)]; print(1, flush=True); signal.pause()"
    command = ["python3", "-c", script, "-D", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as stubborn:
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        (tmp_path / "postmaster.pid").write_text(f"{stubborn.pid}\n")
        with pytest.raises(StartRefused, match=rf"\({stubborn.pid}\) does not stop"):
            asyncio.run(leftovers.clear(tmp_path, lambda _line: None))
        stubborn.kill()


def test_a_zombie_in_the_lock_file_is_passed_over(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has reaped it
        lock = tmp_path / "postmaster.pid"
        lock.write_text(f"{child.pid}\n/data\nshared memory\n")
        leftovers.forget_zombie(tmp_path)
        assert lock.read_text() == f"{2**30}\n/data\nshared memory\n"


def test_a_live_process_in_the_lock_file_is_left_alone(tmp_path: Path) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\nrest\n")
    leftovers.forget_zombie(tmp_path)
    assert lock.read_text() == f"{os.getpid()}\nrest\n"
