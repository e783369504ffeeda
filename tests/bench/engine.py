"""The engine alone: commands with owners, claims, streams and slots sealed ahead, beside COPY and another library.

COPY puts the same bytes into a table of the same columns and key, without a chain, a rule or a refusal: the ceiling of
what this database takes. The other is PyPI's `eventsourcing`, one event an append, with the threads that serve it best.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from ledger.reader import LogReader
from ledger.store import Writer
from ledger.types import Claim, Command, SealedSlots
from server.domains.giving.events import BOOKS_TYPES, GIFT_RECEIVED
from server.vault import vault_at
from tests.bench.context import Context, callers, take_turns
from tests.bench.result import Result, Target
from tests.support.logs import books_gift, born_log, origin_of
from tests.support.postgres import opened

NAME = "engine"
SOURCE = "issue 4, point 12"
CALLERS = 2_048
THREADS = (1, 4, 8)
COLUMNS = ("log", "position", "type", "period", "at_us", "bytes", "leaf_hash")
BASELINE = """
create table bench_copied (log text, position bigint, type text, period text, at_us bigint, bytes bytea,
    leaf_hash bytea, primary key (log, position))
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """A born log of `books` with its writer, sealed slots to choose from, and a connection for COPY."""

    writer: Writer
    reader: LogReader
    admin_url: str
    copying: asyncpg.Connection
    sealed: tuple[SealedSlots, ...]


@asynccontextmanager
async def ground(context: Context) -> AsyncIterator[Ground]:
    """A log of its own in a database of its own."""
    spec = next(spec for spec in BOOKS_TYPES if spec.name == GIFT_RECEIVED)
    vault = vault_at(context.directory / "vault")
    slots = {"nonce": "n", "giver": {"customer": "cus_1"}, "contact": {"email": "ada@example.org"}}
    sealed = tuple(vault.seal_slots(origin_of("books"), spec, slots) for _ in range(256))
    async with opened(context.server) as database, born_log(database.writer, "books") as log:
        url = context.server.admin_url(await database.writer.fetchval("select current_database()"))
        copying = await asyncpg.connect(url)
        await copying.execute(BASELINE)
        try:
            yield Ground(log.writer, log.reader, url, copying, sealed)
        finally:
            await copying.close()


async def run(context: Context) -> list[Result]:
    """The engine beside COPY of what it wrote, and beside the other library's appends."""
    async with ground(context) as made:
        numbers = iter(range(10**9))

        async def ours() -> float:
            many = context.of(20_000)
            commands = [gift(made, next(numbers)) for _ in range(many)]
            return (await callers(CALLERS, many, lambda n: made.writer.append(commands[n]))).rate

        async def copy() -> float:
            return await copied(made, context.of(100_000))

        async def other() -> float:
            return max([await appended_elsewhere(made.admin_url, context.of(4_000), threads) for threads in THREADS])

        context.say(
            "engine: owners, claims, streams, signatures, slots sealed ahead; beside COPY and beside eventsourcing"
        )
        mine, ceiling, rival = await take_turns(context.runs, [ours, copy, other])
    claim = f"engine alone, {CALLERS:,} callers"
    return [
        Result(claim, "/s", mine, ceiling, "COPY of the same bytes", Target("least", 0.25, SOURCE)),
        Result(claim, "/s", mine, rival, "eventsourcing, one each", Target("least", 10, SOURCE)),
    ]


def gift(made: Ground, n: int) -> Command:
    """A gift as the service books it: a stream and an owner of its own, and a claim on the provider's object."""
    key = sha256(n.to_bytes(8, "big")).digest()
    draft = replace(books_gift(100 + n % 9_000, owner=key), private=made.sealed[n % len(made.sealed)])
    return Command((draft,), stream=key, expected_version=0, claims=(Claim("payment", key),))


async def copied(made: Ground, many: int) -> float:
    """Rows a second of COPY, in one statement and one transaction."""
    entry = (await made.reader.entries((await made.reader.existing_head()).size - 1))[0]
    await made.copying.execute("truncate bench_copied")
    rows = [("books", n, entry.type, "2026-01", entry.at_us, entry.bytes, entry.leaf_hash) for n in range(many)]
    began = asyncio.get_running_loop().time()
    await made.copying.copy_records_to_table("bench_copied", records=rows, columns=COLUMNS)
    return many / (asyncio.get_running_loop().time() - began)


async def appended_elsewhere(url: str, many: int, threads: int) -> float:
    """Events a second that `eventsourcing` appends, one by one, from a process of its own."""
    parts = urlsplit(url)
    where = {
        "dbname": parts.path.removeprefix("/"),
        "user": parts.username,
        "password": unquote(parts.password or ""),
        "host": parse_qs(parts.query)["host"][0],
    }
    script = Path(__file__).parent / "eventsourcing_appends.py"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(script), str(many), str(threads)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(json.dumps(where).encode())
    return float(out)
