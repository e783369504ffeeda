"""Verifying: verify.py beside the least that any verifier does, and fsck beside verify.py (design/ledger.md 9)."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import asyncpg

from ledger import fsck
from ledger.batches import BatchKey
from ledger.reader import LogReader
from tests.bench.append import gift
from tests.bench.context import Context, take_turns
from tests.bench.result import Result, Target
from tests.clients.verifier.published import KEY, VERIFY, Published, good_entries, load
from tests.support.logs import BATCH_SEED, born_log
from tests.support.postgres import opened

NAME = "verify"
SOURCE = "design/ledger.md 9"
ENTRIES = 40_000
SMALL, LARGE, LARGEST = 10_000, 100_000, 1_000_000


async def run(context: Context) -> list[Result]:
    """Speed on one log in three ways, and memory on two of different length."""
    async with opened(context.server) as database, born_log(database.writer) as log:
        context.say(f"verify: writing {context.of(ENTRIES):,} entries")
        await asyncio.gather(*(log.writer.append(gift(n)) for n in range(4_000)))
        for first in range(4_000, context.of(ENTRIES), 4_000):
            await asyncio.gather(*(log.writer.append(gift(n)) for n in range(first, first + 4_000)))
        entries = await everything(log.reader)
        published = Published(context.directory / "log")
        published.write(entries)
        name = await database.writer.fetchval("select current_database()")
        found = await _speed(context, published, entries, context.server.admin_url(name))
    found.append(await _memory(context))
    return found


async def everything(reader: LogReader) -> list[bytes]:
    """A log's entries."""
    entries: list[bytes] = []
    while page := await reader.entries(len(entries)):
        entries += [stored.bytes for stored in page]
    return entries


async def _speed(context: Context, published: Published, entries: list[bytes], admin_url: str) -> list[Result]:
    module = load()
    key, source = module.VerifyKey(KEY.vkey), module.Directory(published.directory)
    connection = await asyncpg.connect(admin_url)

    async def bare() -> float:
        """What nobody can leave out: each entry read as JSON, each hashed."""
        began = time.perf_counter()
        for data in entries:
            json.loads(data)
            hashlib.sha256(data).digest()
        return len(entries) / (time.perf_counter() - began)

    def verifying(*, fast: bool) -> float:
        options = argparse.Namespace(expect_head=None, opening=None, fast=fast, json=True)
        began = time.perf_counter()
        module.verify(source, key, [], options)
        return len(entries) / (time.perf_counter() - began)

    async def full() -> float:
        return verifying(fast=False)

    async def fast() -> float:
        return verifying(fast=True)

    async def inside() -> float:
        began = time.perf_counter()
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            judged = await fsck.judge(connection, "public", batch_public=BatchKey(BATCH_SEED).public)
        if judged.faults:
            raise AssertionError(judged.faults)
        return judged.size / (time.perf_counter() - began)

    context.say("verify: the bare loop, verify.py, --fast, fsck")
    bared, whole, quick, judged = await take_turns(context.runs, [bare, full, fast, inside])
    await connection.close()
    return [
        Result("verify.py, every rule", "/s", whole, bared, "json.loads + sha256", Target("least", 0.25, SOURCE)),
        Result("verify.py --fast", "/s", quick, bared, "json.loads + sha256", Target("least", 1.0, SOURCE)),
        Result("fsck", "/s", judged, whole, "verify.py", Target("least", 1.5, SOURCE)),
    ]


async def _memory(context: Context) -> Result:
    """Peak memory of verify.py on a short and a long log. Reported in MiB; what counts is the difference."""
    many = LARGEST if context.long else context.of(LARGE)
    context.say(f"verify: memory at {context.of(SMALL):,} and at {many:,} entries")
    short, long = context.directory / "short", context.directory / "long"
    await asyncio.to_thread(_grow, short, context.of(SMALL))
    await asyncio.to_thread(_grow, long, many)
    peaks = [await asyncio.to_thread(_peak_mib, directory) for directory in (short, long)]
    claim = f"verify.py, memory at {many:,} entries more than at {context.of(SMALL):,}"
    note = f"{peaks[1]:.0f} MiB at most"
    return Result(claim, "MiB", [peaks[1] - peaks[0]], target=Target("most", 20, SOURCE), note=note)


def _grow(directory: Path, count: int) -> None:
    Published(directory).write(good_entries(count))


def _peak_mib(directory: Path) -> float:
    """Of the process itself: what its parent needed before it counts in rusage, and not here."""
    code = (
        "import runpy, sys\ndel sys.argv[0]\n"
        "try:\n    runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit as ended:\n    assert ended.code == 2, ended.code\n"
        "lines = open('/proc/self/status').read().splitlines()\n"
        "sys.stderr.write(next(line.split()[1] for line in lines if line.startswith('VmHWM')))\n"
    )
    command = [sys.executable, "-I", "-c", code, str(VERIFY), str(directory), "--key", KEY.vkey, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stderr) / 1024
