"""The auditor's check of erasures: whatever does not open must be covered by one that was told (attacks A8).

Without it "erased" could hide anything: a box that somebody removed, or a key that somebody destroyed, looks the same
as a person who asked for it. Each completed erasure names the number of its entries and a root over their leaf hashes;
those are held against the entries that it is said to cover, and the entries that do not open against all of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sql
from ledger import canonical, merkle
from ledger.grammar import encode_base64
from ledger.types import LogName
from server.audit import events
from server.vault.subjects import KEY_ID_PREFIXES

if TYPE_CHECKING:
    import asyncpg

    from ledger.registry import Registry
    from ledger.slots import Group
    from server.vault import SubjectKeys

ENTRIES_PER_READ_MAX = 2_048
LOGS: tuple[LogName, ...] = ("books", "public")

_QUERIES = sql.load("erasure")


@dataclass(frozen=True, slots=True)
class Judged:
    """`erasures` that were told, `entries` looked at, `erased` parts of them, and what is wrong, one sentence each."""

    erasures: int
    entries: int
    erased: int
    faults: tuple[str, ...]


async def judge(
    pool: asyncpg.Pool,
    registries: Mapping[LogName, Registry],
    subjects: SubjectKeys,
    progress: Callable[[int], None] = lambda _entries: None,
) -> Judged:
    """Judge every completed erasure and every entry with private fields; `progress` is told the entries so far."""
    faults: list[str] = []
    covered: set[tuple[str, int, str]] = set()
    erasures = 0
    async for completed, group, entries, root in _completed(pool):
        erasures += 1
        leaves = await pool.fetch(_QUERIES.covered_leaves, completed)
        if len(leaves) != entries or encode_base64(merkle.root([row["leaf_hash"] for row in leaves])) != root:
            faults.append(f"the erasure told at {completed} of audit is of other entries than it is said to cover")
            continue
        covered |= {(row["log"], row["position"], group) for row in leaves}
    seen = erased = 0
    for log in LOGS:
        async for row in _rows(pool, log):
            seen += 1
            for group in _lost(row, registries[log], subjects):
                erased += 1
                if (log, row["position"], group) not in covered:
                    where = f"entry {row['position']} of {log}"
                    faults.append(f"{where} kept something of group {group} that no erasure covers, and it is gone")
            if not seen % ENTRIES_PER_READ_MAX:
                progress(seen)
    return Judged(erasures, seen, erased, tuple(faults))


def _lost(row: asyncpg.Record, registry: Registry, subjects: SubjectKeys) -> list[Group]:
    """The groups of an entry's type that open no more: their box is gone, or the key of it."""
    there = dict(zip(row["groups"], row["keys"], strict=True))
    spec = registry.types.get(row["type"])
    wanted = dict.fromkeys(slot.group for slot in spec.slots) if spec is not None else ()
    return [group for group in wanted if group not in there or not _opens(there[group], subjects)]


def _opens(key_id: str, subjects: SubjectKeys) -> bool:
    return not key_id.startswith(KEY_ID_PREFIXES) or subjects.load(key_id) is not None


async def _rows(pool: asyncpg.Pool, log: LogName) -> AsyncIterator[asyncpg.Record]:
    start = 0
    while rows := await pool.fetch(_QUERIES.boxes, log, start, ENTRIES_PER_READ_MAX):
        for row in rows:
            yield row
        start = rows[-1]["position"] + 1


async def _completed(pool: asyncpg.Pool) -> AsyncIterator[tuple[int, str, int, str]]:
    """(position, group, number of entries, root) of each erasure that the audit log tells done."""
    start = 0
    while rows := await pool.fetch(_QUERIES.of_type, events.ERASURE_COMPLETED, start, ENTRIES_PER_READ_MAX):
        for row in rows:
            data = canonical.parse_entry(row["bytes"]).data
            yield row["position"], str(data["group"]), int(str(data["entries"])), str(data["root"])
        start = rows[-1]["position"] + 1
