"""`secondwind audit`: what auditors are given of the protected logs. Each is written down before it is handed out."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import orjson

import sql
from ledger.grammar import encode_base64
from server.audit import events
from server.cli_parts import opened, private_file
from server.cli_settings import load
from server.errors import StartRefused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

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


async def _openings(pool: asyncpg.Pool) -> AsyncIterator[bytes]:
    position = 0
    while rows := await pool.fetch(_queries.anchors_from, position, ROWS_PER_READ_MAX):
        for row in rows:
            yield orjson.dumps(
                {"position": row["position"], "nonce": encode_base64(row["nonce"]), "notes": row["notes"]},
                option=orjson.OPT_APPEND_NEWLINE,
            )
        position = rows[-1]["position"] + 1
