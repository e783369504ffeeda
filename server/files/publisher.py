"""How far the publisher had come: brought back by doing again what each of its appends had done to its own tables.

So nothing is told twice, and nothing is left out. What it had passed without an append is decided again. Before files
are published `public` waits for those of `books`, so that it is never recovered ahead of what it tells of.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg
import orjson

import sql
from ledger import canonical
from ledger.errors import MalformedError
from ledger.signer_state import Behind
from server.files.tilewriter import CHECKPOINT
from server.publishing.decide import Waiting, decide
from server.publishing.policy import Changes

if TYPE_CHECKING:
    from server.files.sidecar import Row
    from server.files.store import FileStore

ENTRIES_PER_READ_MAX = 2_048
WAIT_TIMEOUT_S = 2.0
POLL_S = 0.05

_files = sql.load("files")
_ledger = sql.load("ledger")
_publishing = sql.load("publishing")


@dataclass(slots=True)
class Foundation:
    """The files of `books`, which `public` stands on: else a recovery would leave it ahead of what it tells of."""

    pool: asyncpg.Pool
    books: FileStore
    _reached: int = 0

    async def wait(self) -> None:
        """Wait until what the publisher has passed by now is published as files. Raises Behind, StoreAway."""
        passed = await self.pool.fetchval(_publishing.publisher_next)
        deadline = time.monotonic() + WAIT_TIMEOUT_S
        while self._reached < passed:
            held = await self.books.read(CHECKPOINT)
            # Our own file, sealed by the vault: who wrote it does not have to be asked.
            self._reached = int(held.data.split(b"\n")[1]) if held is not None else 0
            if time.monotonic() > deadline:
                raise Behind(f"public waits: of {passed} entries of books {self._reached} are published as files")
            if self._reached < passed:
                await asyncio.sleep(POLL_S)


async def carry_on(connection: asyncpg.Connection, effects: Sequence[Row]) -> None:
    """Do the effects of the appends that were brought back again, in their order.

    Raises MalformedError where they do not fit what the database held, or tell of entries that `books` does not have.
    """
    if not effects:
        return
    size = await connection.fetchval("select size from ledger_heads where log = 'books'")
    policies = Changes.read([orjson.loads(row["data"]) for row in await connection.fetch(_publishing.policies)])
    try:
        for effect in sorted(effects, key=lambda row: row["position"]):
            payload = effect["payload"]
            is_advance = effect["kind"] == "advance"
            reached = payload["to"] if is_advance else max([*payload["positions"], -1]) + 1
            if reached > size:
                raise MalformedError(f"public tells of position {reached - 1} of books, which has {size} entries")
            await _pass(connection, policies, payload["from"] if is_advance else reached)
            if is_advance:
                waiting = orjson.dumps(payload["waiting"]).decode()
                await connection.execute(_publishing.publisher_advance, payload["from"], payload["to"], waiting)
            else:
                await connection.execute(_files.tell_again, orjson.dumps(payload).decode(), effect["position"])
    except (asyncpg.SerializationError, KeyError, TypeError) as error:
        raise MalformedError(f"what the publisher had done does not fit: {error}") from None


async def _pass(connection: asyncpg.Connection, policies: Changes, end: int) -> None:
    """Pass entries of `books` up to `end`, as the publisher does where none of them is told at once."""
    start = await connection.fetchval(_publishing.publisher_next)
    for first in range(start, end, ENTRIES_PER_READ_MAX):
        rows = await connection.fetch(_ledger.entries, "books", first, min(ENTRIES_PER_READ_MAX, end - first))
        entries = [(row, canonical.parse_entry(row["bytes"])) for row in rows if row["type"].startswith("giving.")]
        waiting = [
            {"position": row["position"], "kind": decision.kind, "at_us": row["at_us"]}
            for row, entry in entries
            if isinstance(decision := decide(entry, policies.in_force(entry.period)), Waiting)
        ]
        parameters = first, first + len(rows), orjson.dumps(waiting).decode()
        await connection.execute(_publishing.publisher_advance, *parameters)
