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
CANNOT_TELL = 2  # without an outside view that is the best there is
PEAK = """import os, sys
null = os.open(os.devnull, os.O_WRONLY)
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], dict(os.environ), file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
_, status, usage = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)"""
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
    connection = await asyncpg.connect(admin_url)

    async def bare() -> float:
        """What nobody can leave out: each entry read as JSON, each hashed."""
        began = time.perf_counter()
        for data in entries:
            json.loads(data)
            hashlib.sha256(data).digest()
        return len(entries) / (time.perf_counter() - began)

    def verifying(*, fast: bool) -> float:
        module = load()  # anew each time: what it learned from the turn before, a stranger's run has not
        options = argparse.Namespace(expect_head=None, opening=None, fast=fast, json=True)
        began = time.perf_counter()
        reader = module.Reader(module.VerifyKey(KEY.vkey), None, time.time())
        report = module.verify_log(module.Directory(published.directory), reader, options, None)
        took = time.perf_counter() - began
        if report["size"] != len(entries):
            raise AssertionError(f"verify.py judged {report['size']} entries of {len(entries)}")
        return len(entries) / took

    async def full() -> float:
        return verifying(fast=False)

    async def fast() -> float:
        return verifying(fast=True)

    async def inside() -> float:
        began = time.perf_counter()
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            judged = await fsck.judge(connection, "public", batch_public=BatchKey(BATCH_SEED).public)
        took = time.perf_counter() - began
        if judged.faults or judged.size != len(entries):
            raise AssertionError(f"fsck judged {judged.size} entries of {len(entries)}: {judged.faults}")
        return judged.size / took

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
    """Measured by a small process in between: what a process is charged with begins at its parent's own size."""
    command = [sys.executable, "-I", str(VERIFY), str(directory), "--key", KEY.vkey, "--json"]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PEAK, *command], capture_output=True, text=True, check=True
    )
    code, peak_kib = map(int, done.stdout.split())
    if code != CANNOT_TELL:
        raise AssertionError(f"verify.py ended with {code}: {done.stderr}")
    return peak_kib / 1024
