"""The service while its surroundings fail: it acknowledges nothing that it cannot keep, says so, and recovers alone."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from server.embedded.postgres import SERVICE, EmbeddedPostgres
from server.migrate import migrate
from tests.support.giving import Giving, giving
from tests.support.proxy import Fault, wire
from tests.support.requires import requires
from tests.support.service import Service, async_until, service

pytestmark = pytest.mark.timeout(240)
CUTS: tuple[Fault, ...] = ("commit lost on the way", "answer lost on the way") * 4
STOP_TIMEOUT_S = 12.0  # 10 s, and a moment for a busy machine
DISK = "320m"
ON_A_SMALL_DISK = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")


@contextlib.asynccontextmanager
async def database(directory: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A migrated Postgres that nobody starts again but the test."""
    postgres = EmbeddedPostgres(directory)
    await postgres.start()
    try:
        await migrate(postgres.admin_url, SERVICE)
        yield postgres
    finally:
        await postgres.stop()


async def refuses(sender: Giving, running: Service) -> bool:
    """Whether the webhook sends the provider away for now. Never anything between that and keeping the notice."""
    status, retry_after = await sender.probe(running)
    assert status == 200 or (status == 503 and int(retry_after or "0") > 0), (status, retry_after)
    return status == 503


async def test_without_its_database_nothing_is_acknowledged_and_it_recovers_alone(tmp_path: Path) -> None:
    async with giving() as sender, database(tmp_path / "database") as postgres:
        with service(tmp_path / "data", DATABASE_URL=postgres.service_url, **sender.environment) as running:
            await asyncio.to_thread(running.start)
            await sender.give(running, 20, rate=100, seed="before")
            await postgres.stop()
            assert await refuses(sender, running)
            await async_until(lambda: not running.json("/health/ready").get("ready"), "not ready")
            acknowledged = sender.tally.gifts
            giving_on = asyncio.create_task(sender.give(running, 20, rate=100, seed="meanwhile"))
            await async_until(lambda: sender.tally.retries > 50, "the provider tries again and again")
            assert sender.tally.gifts == acknowledged
            await postgres.start()
            await giving_on
            await sender.settled(running, postgres.admin_url)
            await sender.hold(postgres.admin_url)
            assert running.json("/status")["crashes"] == {}
            assert await asyncio.to_thread(running.stop) == 0


async def test_connections_cut_at_commit_book_nothing_twice_and_lose_nothing(tmp_path: Path) -> None:
    async with giving() as sender, database(tmp_path / "database") as postgres, wire(postgres.service_url) as line:
        with service(tmp_path / "data", DATABASE_URL=line.url, **sender.environment) as running:
            await asyncio.to_thread(running.start)
            giving_on = asyncio.create_task(sender.give(running, 150, rate=15, seed="cut"))
            for fault in CUTS:
                line.struck.clear()
                line.fault = fault
                async with asyncio.timeout(30):
                    await line.struck.wait()
                line.cut()  # and whatever else was under way
                await asyncio.sleep(0.3)  # let it be in the middle of something again
            await giving_on
            await sender.settled(running, postgres.admin_url)
            await sender.hold(postgres.admin_url)
            code, report = await asyncio.to_thread(running.verify)
            assert (code, report["verdict"]) == (2, "could-not-tell"), report
            # In a thread: /status asks the database, through the wire that this very loop keeps flowing.
            assert (await asyncio.to_thread(running.json, "/status"))["crashes"] == {}
            assert await asyncio.to_thread(running.stop) == 0


async def test_a_database_that_neither_answers_nor_goes_away_keeps_nobody_from_stopping(tmp_path: Path) -> None:
    async with giving() as sender, database(tmp_path / "database") as postgres, wire(postgres.service_url) as line:
        with service(tmp_path / "data", DATABASE_URL=line.url, **sender.environment) as running:
            await asyncio.to_thread(running.start)
            giving_on = asyncio.create_task(sender.give(running, 40, rate=20, seed="hangs"))
            await asyncio.sleep(1)  # let it be in the middle of something
            line.flowing.clear()
            assert await refuses(sender, running)
            began = time.monotonic()
            assert await asyncio.to_thread(running.stop) == 0
            assert time.monotonic() - began < STOP_TIMEOUT_S
            giving_on.cancel()
            line.flowing.set()


def may_mount() -> bool:
    command = [*ON_A_SMALL_DISK, "mount -t tmpfs none /mnt"]
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False


def fill(directory: Path) -> Path:
    """Take every byte that is left."""
    ballast = directory / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    return ballast


@requires("unshare", also=may_mount())
async def test_on_a_full_disk_nothing_is_acknowledged_that_is_not_kept_and_it_goes_on_with_space(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    within = (*ON_A_SMALL_DISK, f'mount -t tmpfs -o size={DISK} none "$0" && exec "$@"', str(data))
    async with giving() as sender:
        with service(data, within=within, **sender.environment) as running:
            await asyncio.to_thread(running.start)
            assert running.process is not None
            inside = Path(f"/proc/{running.process.pid}/root{data}")
            admin_url = EmbeddedPostgres(inside).admin_url
            await sender.give(running, 20, rate=100, seed="before")
            ballast = fill(inside)
            giving_on = asyncio.create_task(sender.give(running, 300, rate=100, seed="meanwhile"))
            async with asyncio.timeout(60):
                while not await refuses(sender, running):
                    await asyncio.sleep(0.1)
            await async_until(lambda: not running.json("/health/ready").get("ready"), "not ready")
            acknowledged = sender.tally.gifts
            ballast.unlink()
            await giving_on
            assert sender.tally.gifts > acknowledged
            await sender.settled(running, admin_url)
            await sender.hold(admin_url)
            assert running.json("/status")["halted"] is None


@pytest.mark.parametrize("off_s", [5, -5])
async def test_while_the_clock_is_wrong_webhooks_are_kept_and_nothing_is_appended(off_s: int, tmp_path: Path) -> None:
    data, clock = tmp_path / "data", tmp_path / "clock"
    async with giving() as sender:
        with service(data, program=("tests.support.skewed", str(clock)), **sender.environment) as running:
            await asyncio.to_thread(running.start)
            admin_url = EmbeddedPostgres(data).admin_url
            await sender.give(running, 10, rate=100, seed="before")
            await sender.settled(running, admin_url)
            before = running.json("/status")["logs"]
            clock.write_text(f"{off_s}")
            await sender.give(running, 20, rate=100, seed="meanwhile")
            await async_until(lambda: "clock" in running.json("/status")["warnings"], "the clock in /status")
            ready = running.json("/health/ready")
            assert ready["ready"] is True
            assert f"{off_s:+}.0 s off the database's clock" in ready["checks"]["clock"]
            async with asyncio.timeout(30):
                while not await put_off(admin_url):
                    await asyncio.sleep(0.1)
            assert running.json("/status")["logs"] == before
            clock.write_text("0")
            await sender.settled(running, admin_url)
            await sender.hold(admin_url)
            assert running.json("/status")["warnings"] == {}


async def put_off(admin_url: str) -> int:
    """How many notices the worker has given back because of the clocks."""
    connection = await asyncpg.connect(admin_url)
    try:
        return int(
            await connection.fetchval("select count(*) from payments_inbox where outcome like 'clocks disagree%'")
        )
    finally:
        await connection.close()
