"""Exporting: proved, described and written down four times over, beside reading the same rows into a tar file."""

from __future__ import annotations

import asyncio
import io
import resource
import tarfile
import time
from pathlib import Path

from ledger.export import Range
from server.exports.maker import make
from server.exports.papers import keep_papers
from server.exports.source import Source
from server.vault import FileKeyStore
from tests.bench.context import Context, take_turns
from tests.bench.result import Result
from tests.server.public.small_log import KEY, ORIGIN, SmallLog, gift, small_log
from tests.support.postgres import opened

NAME = "export"
ENTRIES = 40_000
ENTRIES_PER_COMMAND = 100


async def run(context: Context) -> list[Result]:
    """MB of entries a second, of a whole log, and what the process needs for it."""
    many = context.of(ENTRIES)
    async with opened(context.server) as database, small_log(database, context.directory) as log:
        context.say(f"export: writing {many:,} entries")
        await _grow(log, many)
        await log.sign()
        store = FileKeyStore(context.directory / "keys")
        await keep_papers(database.signer, "public", KEY, store)
        source = Source(database.reader, "public")

        chosen = Range("public", ORIGIN, 0, log.size)
        megabytes = await _read_into_tar(source, chosen, context.directory / "bare.tar") / 1e6

        async def exported() -> float:
            began = time.perf_counter()
            await make(source, chosen, context.directory / "export.tar", lambda _done, _total: None, store=store)
            return megabytes / (time.perf_counter() - began)

        async def bare() -> float:
            began = time.perf_counter()
            await _read_into_tar(source, chosen, context.directory / "bare.tar")
            return megabytes / (time.perf_counter() - began)

        whole, beside = await take_turns(context.runs, [exported, bare])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    name = "the same rows read into a tar"
    note = f"{many:,} entries; with derived journals and proofs; this process had held {peak:.0f} MiB at most"
    return [Result("export a log, entries' bytes", "MB/s", whole, beside, name, note=note)]


async def _grow(log: SmallLog, size: int) -> None:
    await log.grow(ENTRIES_PER_COMMAND)
    while log.size < size:
        await log.append(*(gift(log.size + n) for n in range(ENTRIES_PER_COMMAND)))


async def _read_into_tar(source: Source, chosen: Range, out: Path) -> int:
    """No hash, no proof, nothing derived: what reading and writing alone take. It holds everything while it does."""
    content = b"".join([one + b"\n" async for batch in source.entries(chosen.first, chosen.end) for one, _ in batch])
    await asyncio.to_thread(_tar, content, out)
    return len(content)


def _tar(content: bytes, out: Path) -> None:
    member = tarfile.TarInfo("events.ndjson")
    member.size = len(content)
    with tarfile.open(out, "w") as archive:
        archive.addfile(member, io.BytesIO(content))
