"""How far the publisher had come, told by what it has published: so that nothing is told twice, or never.

Each public entry names the entry of `books` behind it in a sealed slot (attacks A1). The publisher passes `books` in
order, so it goes on behind the newest one that it is known to have passed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

import sql
from ledger import canonical
from ledger.errors import MalformedError
from ledger.grammar import decode_base64
from ledger.signer_state import Behind
from server.files.tilewriter import CHECKPOINT
from server.publishing import policy as rules
from server.publishing.policy import Policy, Waiting

if TYPE_CHECKING:
    import asyncpg

    from ledger.plan import Plan
    from ledger.registry import TypeSpec
    from ledger.types import SealedSlots
    from ledger.verify import EntryChecker
    from server.files.store import FileStore

SLOT = "books_entry"
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


def told(
    checker: EntryChecker, plan: Plan, opened: Callable[[TypeSpec, SealedSlots], Mapping[str, Any]]
) -> list[bytes]:
    """The leaf hashes of the entries of `books` behind these entries of `public`.

    Raises MalformedError where that slot is gone: then nobody can say what was told already.
    """
    slots = dict(plan.slots)
    found = []
    for row in plan.entries:
        spec = checker.registry.types.get(row.type)
        if spec is None or row.position not in slots or all(slot.name != SLOT for slot in spec.slots):
            continue
        named = opened(spec, slots[row.position]).get(SLOT)
        if named is None:
            raise MalformedError(f"what stands behind position {row.position} of public does not open")
        found.append(decode_base64(named))
    return found


async def carry_on(connection: asyncpg.Connection, hashes: Sequence[bytes]) -> None:
    """Let the publisher go on behind the entries of `books` with these leaf hashes.

    Raises MalformedError where `books` lacks one of them: `public` would be ahead of what it tells of.
    """
    if not hashes:
        return
    start = await connection.fetchval(_publishing.publisher_next)
    newer = {row["position"] for row in await connection.fetch(_files.books_behind, start, list(hashes))}
    if len(newer) < len(set(hashes)):
        everywhere = await connection.fetch(_files.books_behind, 0, list(hashes))
        if len(everywhere) < len(set(hashes)):
            raise MalformedError("public tells of an entry that books does not have")
    if newer:
        await _pass(connection, start, max(newer) + 1)


async def _pass(connection: asyncpg.Connection, start: int, end: int) -> None:
    """What the publisher passed over on its way waits again."""
    policy = Policy.from_data(
        orjson.loads(orjson.loads(await connection.fetchval(_publishing.policy_in_force))["policy"])
    )
    for first in range(start, end, ENTRIES_PER_READ_MAX):
        rows = await connection.fetch(_ledger.entries, "books", first, min(ENTRIES_PER_READ_MAX, end - first))
        waiting = [
            (row["position"], decision.visibility, row["at_us"])
            for row in rows
            if row["type"].startswith("giving.")
            and isinstance(decision := rules.decide(canonical.parse_entry(row["bytes"]), policy), Waiting)
        ]
        if waiting:
            await connection.execute(_files.add_waiting, *(list(column) for column in zip(*waiting, strict=True)))
    await connection.execute(_files.set_publisher, end)
