"""A log of the vectors put into a database whole, as if the service had written it; for tests that then spoil it."""

from __future__ import annotations

from typing import Any

import asyncpg
import orjson

from ledger import merkle
from ledger.batches import BatchKey, statement
from ledger.canonical import leaf_hash, parse_entry
from ledger.declared import Declared
from ledger.rules import rule_rows
from tests.support.logs import BATCH_SEED
from tests.vectors.logs import LogMaker

KEY = BatchKey(BATCH_SEED)


async def load(connection: asyncpg.Connection, log: LogMaker) -> None:
    """Write head, entries, slots, one batch, balances, rules, the newest checkpoint and the tiles above level 0."""
    origin, size, checker = log.key.name, log.checker.size, log.checker
    hashes = [leaf_hash(entry) for entry in log.entries]
    await connection.execute(
        "insert into ledger_heads (log, origin, mode, time_zone, size, last_leaf_hash, last_at_us, rules_position)"
        " values ($1, $2, 'test', $3, $4, $5, $6, $7)",
        *(log.log, origin, checker.declared.time_zone_name, size, checker.prev, checker.last_at_us, size - 1),
    )
    await connection.execute("select ledger_add_partitions($1, $2, 1024)", log.log, size)
    entries, rules = [], []
    declared = Declared(log.log)
    for position, data in enumerate(log.entries):
        entry = parse_entry(data)
        entries.append((log.log, position, entry.type, entry.period, entry.at_us, data, hashes[position]))
        if entry.type.startswith("ledger."):
            declared.apply(entry, declared.prepare(entry))
            rules += [
                (log.log, r.kind, r.name, r.position, orjson.dumps(r.data).decode()) for r in rule_rows(entry, declared)
            ]
    await _insert(connection, "ledger_entries", 7, entries)
    await _insert(connection, "ledger_rules", 5, rules)
    slots = [(log.log, position, hashes, "[]") for position, hashes in log.slot_hashes.items()]
    await _insert(connection, "ledger_slots", 4, slots)
    signature = KEY.sign(statement(origin, 1, 0, size - 1, hashes[-1]))
    await _insert(connection, "ledger_batches", 5, [(log.log, 0, size - 1, 1, signature)])
    balances = [
        (log.log, a, b"", asset, fund, amount, size) for (a, asset, fund), amount in checker.balances.through().items()
    ]
    await _insert(connection, "ledger_balances", 7, balances)
    head = (log.log, size, checker.frontier.root(), log.checkpoint(), 0)
    await _insert(connection, "ledger_checkpoints", 5, [head])
    full = [merkle.root(hashes[n : n + 256]) for n in range(0, size // 256 * 256, 256)]
    await _insert(connection, "ledger_tiles", 4, [(log.log, 1, 0, b"".join(full))] if full else [])


async def unlock(connection: asyncpg.Connection) -> None:
    """What only somebody with the database's owner's password can do: take the triggers and checks away."""
    for table in ("ledger_entries", "ledger_checkpoints", "ledger_batches", "ledger_claims", "ledger_idempotency"):
        await connection.execute(f"drop trigger no_change on {table}")
    await connection.execute("alter table ledger_entries drop constraint ledger_entries_bytes_check")


async def _insert(connection: asyncpg.Connection, table: str, width: int, rows: list[tuple[Any, ...]]) -> None:
    places = ", ".join(f"${n + 1}" for n in range(width))
    await connection.executemany(f"insert into {table} values ({places})", rows)
