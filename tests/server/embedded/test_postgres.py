"""The embedded Postgres: made, killed in every way, started again, and refused when it is not ours."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import tempfile
from pathlib import Path

import asyncpg
import pytest

from server.embedded import binaries, sockets
from server.embedded.postgres import EmbeddedPostgres
from server.errors import StartRefused

pytestmark = pytest.mark.timeout(120)


async def marked(postgres: EmbeddedPostgres) -> int:
    """Write one durable row and return how many there are."""
    connection = await asyncpg.connect(postgres.admin_url)
    await connection.execute("create table if not exists marks (n int); insert into marks values (1)")
    count = await connection.fetchval("select count(*) from marks")
    await connection.close()
    return int(count)


async def test_it_is_made_once_and_keeps_what_was_committed(tmp_path: Path) -> None:
    for expected in (1, 2):
        postgres = EmbeddedPostgres(tmp_path)
        await postgres.start()
        assert await marked(postgres) == expected
        await postgres.stop()
        await postgres.stop()
    assert not list((tmp_path / "postgres").glob("*password*"))
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (tmp_path / "keys").iterdir())


async def test_the_service_login_owns_nothing_and_is_no_superuser(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path)
    await postgres.start()
    connection = await asyncpg.connect(postgres.service_url)
    assert await connection.fetchval(
        "select not rolsuper and not rolcreaterole from pg_roles where rolname = current_user"
    )
    assert await connection.fetchval("show fsync") == "on"
    assert await connection.fetchval("show listen_addresses") == ""
    assert await connection.fetchval("show log_parameter_max_length") == "0"
    await connection.close()
    await postgres.stop()


async def test_a_killed_postmaster_is_recovered_from(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path)
    await postgres.start()
    assert await marked(postgres) == 1
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGKILL)
    again = EmbeddedPostgres(tmp_path)
    await again.start()
    assert await marked(again) == 2
    await again.stop()
    await postgres.stop()


async def test_a_postmaster_that_outlived_its_service_is_stopped_first(tmp_path: Path) -> None:
    old = EmbeddedPostgres(tmp_path)
    await old.start()
    connection = await asyncpg.connect(old.admin_url)
    said: list[str] = []
    new = EmbeddedPostgres(tmp_path, say=said.append)
    await new.start()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await connection.execute("select 1")
    assert "left behind" in said[0]
    assert new.pid != old.pid
    await new.stop()
    await old.stop()


async def test_one_that_dies_by_itself_is_started_again(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path)
    await postgres.start()
    first = postgres.pid
    watching = asyncio.create_task(postgres.watch())
    assert first is not None
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(30):
        while postgres.pid == first:
            await asyncio.sleep(0.05)
    async with asyncio.timeout(30):
        while True:
            try:
                assert await marked(postgres) == 1
                break
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.05)
    watching.cancel()
    await postgres.stop()


async def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    leftover = tmp_path / "postgres" / "cluster.new"
    leftover.mkdir(parents=True)
    (leftover / "PG_VERSION").write_text("18\n")
    postgres = EmbeddedPostgres(tmp_path)
    await postgres.start()
    assert await marked(postgres) == 1
    await postgres.stop()


async def test_data_of_another_version_is_refused_with_the_remedy(tmp_path: Path) -> None:
    cluster = tmp_path / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("13\n")
    with pytest.raises(StartRefused, match=r"Postgres 13.*older version"):
        await EmbeddedPostgres(tmp_path).start()


async def test_why_it_did_not_start_is_told_in_its_own_words(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path)
    await postgres.start()
    await postgres.stop()
    (tmp_path / "postgres" / "cluster" / "postgresql.auto.conf").write_text("shared_buffers = 'enormous'\n")
    with pytest.raises(StartRefused) as refused:
        await postgres.start()
    assert "ended at once: " in refused.value.sentence
    assert "\n" not in str(refused.value)
    assert "postgres.log" in refused.value.remedy


async def test_another_process_finds_the_running_one_whatever_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres = EmbeddedPostgres(tmp_path)
    await postgres.start()
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    connection = await asyncpg.connect(EmbeddedPostgres(tmp_path).service_url)
    assert await connection.fetchval("select 1") == 1
    await connection.close()
    await postgres.stop()
    assert not (tmp_path / sockets.NOTE).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs the user nobody")
async def test_without_user_namespaces_root_runs_it_as_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))  # as after a login over ssh: nobody may not enter it
    postgres = EmbeddedPostgres(tmp_path, mode="nobody", say=said.append)
    await postgres.start()
    assert await marked(postgres) == 1
    assert "as user nobody" in said[0]
    await postgres.stop()
    found = binaries.find(tmp_path / "postgres", "nobody")
    assert found.home.is_relative_to(binaries.SHARED)
    shutil.rmtree(found.home.parent)
