"""`secondwind audit`: what auditors are given of the protected logs. Each is written down before it is handed out."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import orjson

import sql
from ledger.grammar import encode_base64
from server import birth
from server.audit import events
from server.cli.parts import opened, private_file
from server.cli.progress import line
from server.cli.settings import load
from server.erasure import judge
from server.errors import StartRefused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

FAULTS = 1
ROWS_PER_READ_MAX = 1_000
_queries = sql.load("publishing")


async def anchors(options: argparse.Namespace) -> int:
    """Write what opens every anchor of `public`, one JSON object per line, as verify.py --anchors reads it."""
    if options.out.exists():
        raise StartRefused(f"{options.out} is there already.", "Name a file that does not exist yet.")
    async with opened(load(options)) as parts:
        record = events.read(what="anchor-openings", actor=options.actor, target=options.recipient)
        position = await parts.trail.record(record)
        count = 0
        with private_file(options.out) as file:
            async for line in _openings(parts.database.publisher):
                file.write(line)
                count += 1
    print(f"{options.out} opens {count} anchors; that {options.recipient} got it stands in audit at {position}.")
    return 0


async def erasures(options: argparse.Namespace) -> int:
    """Judge whether all that does not open was erased as told; exit 0 without faults, 1 with."""
    async with opened(load(options)) as parts:
        registries = {log: birth.registry(log) for log in judge.LOGS}
        show = lambda seen: line(f"{seen} entries")  # noqa: E731 - what to do with a number
        judged = await judge.judge(parts.database.writer, registries, parts.keyring.subjects, show)
    line("")
    print(f"{judged.erasures} erasures, {judged.entries} entries with private fields, {judged.erased} erased parts.")
    for fault in judged.faults:
        print(f"  {fault}")
    print("What does not open was erased as told." if not judged.faults else f"{len(judged.faults)} FAULTS")
    return FAULTS if judged.faults else 0


async def _openings(pool: asyncpg.Pool) -> AsyncIterator[bytes]:
    position = 0
    while rows := await pool.fetch(_queries.anchors_from, position, ROWS_PER_READ_MAX):
        for row in rows:
            yield orjson.dumps(
                {"position": row["position"], "nonce": encode_base64(row["nonce"]), "notes": row["notes"]},
                option=orjson.OPT_APPEND_NEWLINE,
            )
        position = rows[-1]["position"] + 1
