"""What each named query does to the tables, in Python. The text of the query is its name: one that changes is noticed.

Each handler takes the transaction, the database's clock (µs since 1970) and the query's parameters, and returns rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import asyncpg

import sql
from ledger import canonical
from tests.simulation.tables import Row, Transaction

Handler = Callable[..., Awaitable[list[Row]]]
HANDLERS: dict[str, Handler] = {}
LEDGER = sql.load("ledger")
HEAD = ("log", "origin", "time_zone", "size", "last_leaf_hash", "last_at_us", "epoch", "rules_position", "halted")


def answers(text: str) -> Callable[[Handler], Handler]:
    """Register what a statement does."""

    def register(handler: Handler) -> Handler:
        HANDLERS[text] = handler
        return handler

    return register


async def insert(tx: Transaction, table: str, *key: Any, row: Row) -> None:
    """Insert a row under its primary key, or refuse as an index does; waits for whoever is inserting the same."""
    await tx.lock(table, *key)
    if tx.get(table, *key) is not None:
        raise asyncpg.UniqueViolationError(f"duplicate key value violates unique constraint of {table}")
    tx.put(table, *key, row=row)


@answers(LEDGER.create_head)
async def create_head(tx: Transaction, _now_us: int, log: str, origin: str, mode: str, time_zone: str) -> list[Row]:
    from ledger.canonical import EMPTY_HASH

    values = (log, origin, time_zone, 0, EMPTY_HASH, 0, 1, -1, None)
    await insert(tx, "heads", log, row=Row(**dict(zip(HEAD, values, strict=True)), mode=mode))
    return []


@answers(LEDGER.add_partitions)
async def add_partitions(tx: Transaction, _now_us: int, log: str, size: int, entries: int) -> list[Row]:
    await tx.lock("partitions", log)
    row = tx.get("partitions", log)
    end = row["end"] if row else 0
    while end < size + 2 * entries:
        end += entries
    tx.put("partitions", log, row=Row(end=end))
    return []


@answers(LEDGER.partitions_end)
async def partitions_end(tx: Transaction, _now_us: int, log: str) -> list[Row]:
    row = tx.get("partitions", log)
    return [Row(end=row["end"] if row else 0)]


@answers(LEDGER.head)
async def head(tx: Transaction, _now_us: int, log: str) -> list[Row]:
    row = tx.get("heads", log)
    return [row] if row else []


@answers("select size from ledger_heads where log = $1")
async def head_size(tx: Transaction, _now_us: int, log: str) -> list[Row]:
    row = tx.get("heads", log)
    return [row.only("size")] if row else []


@answers(LEDGER.lock_head)
async def lock_head(tx: Transaction, now_us: int, log: str) -> list[Row]:
    await tx.lock("heads", log)
    row = tx.get("heads", log)
    return [Row(**dict(row.only(*HEAD).items()), now_us=now_us)] if row else []


@answers(LEDGER.signing_time)
@answers(LEDGER.clock)
async def clock(_tx: Transaction, now_us: int) -> list[Row]:
    return [Row(now_us=now_us)]


@answers(LEDGER.state)
async def state(  # noqa: PLR0917 - the query's parameters
    tx: Transaction,
    now_us: int,
    log: str,
    streams: list[bytes],
    keys: list[bytes],
    kinds: list[str],
    claims: list[bytes],
) -> list[Row]:
    def row(*values: object) -> Row:
        return Row(**dict(zip(("kind", "key", "name", "one", "two", "hash"), values, strict=True)))

    rows = [row("t", None, "", now_us, 0, None)]
    rows += [row("s", k, "", found["version"], 0, None) for k in streams if (found := tx.get("streams", log, k))]
    rows += [
        row("i", k, "", found["first"], found["count"], found["request_hash"])
        for k in keys
        if (found := tx.get("idempotency", log, k))
    ]
    wanted = zip(kinds, claims, strict=True)
    rows += [
        row("c", k, kind, found["position"], 0, None) for kind, k in wanted if (found := tx.get("claims", log, kind, k))
    ]
    return rows


@answers(LEDGER.guard_balances)
async def guard_balances(tx: Transaction, _now_us: int, log: str, assets: set[str], *looks: Any) -> list[Row]:
    by_fund, funds, by_owner, all_funds, owners = looks
    sums: Counter[tuple[str, str, str | None, bytes | None]] = Counter()
    for (found, account, asset, fund, owner), row in tx.all("balances"):
        if found == log and asset in assets:
            if account in by_fund and fund in funds:
                sums[account, asset, fund, None] += row["balance"]
            if account in by_owner and fund in all_funds and owner in owners:
                sums[account, asset, None, owner] += row["balance"]
    names = ("account", "asset", "fund", "owner")
    return [Row(**dict(zip(names, key, strict=True)), balance=amount) for key, amount in sums.items()]


@answers(LEDGER.all_balances)
async def all_balances(tx: Transaction, _now_us: int, log: str) -> list[Row]:
    sums: Counter[tuple[str, str, str]] = Counter()
    for (found, account, asset, fund, _owner), row in tx.all("balances"):
        if found == log:
            sums[account, asset, fund] += row["balance"]
    return [Row(account=a, asset=asset, fund=fund, sum=amount) for (a, asset, fund), amount in sums.items()]


@answers(LEDGER.time_of)
async def time_of(tx: Transaction, _now_us: int, log: str, position: int) -> list[Row]:
    row = tx.get("entries", log, position)
    return [row.only("at_us")] if row else []


@answers(LEDGER.balances_after)
async def balances_after(tx: Transaction, _now_us: int, log: str, month: str, start: int) -> list[Row]:
    sums: Counter[tuple[str, str, str, str]] = Counter()
    for key, row in tx.all("entries"):
        entry = canonical.parse_entry(row["bytes"])
        if key[0] == log and entry.position >= start and entry.period > month:
            for p in entry.postings:
                sums[entry.period, p.account, p.asset, p.fund] += p.amount
    names = ("period", "account", "asset", "fund")
    return [Row(**dict(zip(names, key, strict=True)), sum=amount) for key, amount in sums.items()]


@answers(LEDGER.pending)
async def pending(tx: Transaction, _now_us: int, log: str, positions: list[int]) -> list[Row]:
    found = (tx.get("entries", log, position) for position in positions)
    return [row.only("bytes") for row in found if row is not None]


@answers(LEDGER.rules)
async def rules(tx: Transaction, _now_us: int, log: str) -> list[Row]:
    found = [row for key, row in tx.all("rules") if key[0] == log]
    return [row.only("kind", "name", "data") for row in sorted(found, key=lambda row: row["position"])]


@answers(LEDGER.write_batch)
async def write_batch(tx: Transaction, now_us: int, *p: Any) -> list[Row]:
    """The head moves first; under its lock the condition is looked at again, as Postgres does after a wait."""
    log, before, after, epoch = p[:4]
    await tx.lock("heads", log)
    row = tx.get("heads", log)
    if row is None or row["size"] != before or row["epoch"] != epoch or row["halted"] is not None:
        return []
    tx.put("heads", log, row=row.but(size=after, last_leaf_hash=p[4], last_at_us=p[5], rules_position=p[6]))
    batch = Row(first=before, last=after - 1, epoch=epoch, signature=p[7])
    await insert(tx, "batches", log, before, row=batch)
    for position, kind, _period, at_us, data, leaf_hash in zip(*p[8:14], strict=True):
        entry = Row(position=position, type=kind, at_us=at_us, bytes=data, leaf_hash=leaf_hash)
        await insert(tx, "entries", log, position, row=entry)
    for account, owner, asset, fund, amount in zip(*p[14:19], strict=True):
        key = (log, account, asset, fund, owner)
        old = tx.get("balances", *key)
        tx.put("balances", *key, row=Row(balance=(old["balance"] if old else 0) + amount))
    for position, hashes, boxes in zip(*p[19:22], strict=True):
        await insert(tx, "slots", log, position, row=Row(position=position, slot_hashes=hashes, boxes=boxes))
    await _write_keys(tx, log, p[22:])
    return [Row(now_us=now_us)]


async def _write_keys(tx: Transaction, log: str, p: tuple[Any, ...]) -> None:
    for stream, version, position in zip(*p[0:3], strict=True):
        await insert(tx, "stream_entries", log, stream, version, row=Row(position=position))
        tx.put("streams", log, stream, row=Row(version=version))
    for key, request_hash, first, entries in zip(*p[3:7], strict=True):
        row = Row(request_hash=request_hash, first=first, count=entries)
        await insert(tx, "idempotency", log, key, row=row)
    for kind, key, position in zip(*p[7:10], strict=True):
        await insert(tx, "claims", log, kind, key, row=Row(position=position))
    for kind, name, position, data in zip(*p[10:14], strict=True):
        tx.put("rules", log, kind, name, row=Row(kind=kind, name=name, position=position, data=data))


@answers(LEDGER.entries)
async def entries(tx: Transaction, _now_us: int, log: str, start: int, limit: int) -> list[Row]:
    found = []
    for position in range(start, start + limit):
        row = tx.get("entries", log, position)
        if row is None:
            break
        found.append(row)
    return found


@answers(LEDGER.stream)
async def stream_entries(tx: Transaction, _now_us: int, log: str, stream: bytes) -> list[Row]:
    found = []
    for version in count(1):
        place = tx.get("stream_entries", log, stream, version)
        if place is None:
            break
        found += [row for row in [tx.get("entries", log, place["position"])] if row]
    return found


@answers(LEDGER.slots)
async def slots(tx: Transaction, _now_us: int, log: str, positions: list[int]) -> list[Row]:
    return [row for position in positions if (row := tx.get("slots", log, position))]


@answers(LEDGER.newest_checkpoint)
async def newest_checkpoint(tx: Transaction, _now_us: int, log: str) -> list[Row]:
    found = [row for key, row in tx.all("checkpoints") if key[0] == log]
    return [max(found, key=lambda row: row["size"])] if found else []


@answers("select max(size) from ledger_checkpoints where log = $1")
async def checkpoints_max(tx: Transaction, _now_us: int, log: str) -> list[Row]:
    return [Row(max=max((key[1] for key, _ in tx.all("checkpoints") if key[0] == log), default=None))]


@answers(LEDGER.batch_covering)
async def batch_covering(tx: Transaction, _now_us: int, log: str, start: int, end: int) -> list[Row]:
    batches = [row for key, row in tx.all("batches") if key[0] == log and row["last"] >= start and row["first"] < end]
    found = []
    for batch in sorted(batches, key=lambda row: row["first"]):
        entry = tx.get("entries", log, batch["last"])
        if entry is not None:
            found.append(Row(**dict(batch.items()), last_leaf_hash=entry["leaf_hash"]))
    return found


@answers(LEDGER.leaf_hash_at)
async def leaf_hash_at(tx: Transaction, _now_us: int, log: str, position: int) -> list[Row]:
    row = tx.get("entries", log, position)
    return [row.only("leaf_hash")] if row else []


@answers(LEDGER.add_checkpoint)
async def add_checkpoint(tx: Transaction, _now_us: int, log: str, size: int, *rest: object) -> list[Row]:
    await tx.lock("checkpoints", log, size)
    if tx.get("checkpoints", log, size) is None:
        row = Row(size=size, **dict(zip(("root_hash", "note", "signed_at_us"), rest, strict=True)))
        tx.put("checkpoints", log, size, row=row)
    return []


@answers(LEDGER.checkpoint_root)
async def checkpoint_root(tx: Transaction, _now_us: int, log: str, size: int) -> list[Row]:
    row = tx.get("checkpoints", log, size)
    return [row.only("root_hash")] if row else []


@answers(LEDGER.grow_tiles)
async def grow_tiles(
    tx: Transaction, _now_us: int, log: str, levels: list[int], numbers: list[int], hashes: list[bytes]
) -> list[Row]:
    for level, n, data in zip(levels, numbers, hashes, strict=True):
        await tx.lock("tiles", log, level, n)
        old = tx.get("tiles", log, level, n)
        if old is None or len(data) > len(old["hashes"]):
            tx.put("tiles", log, level, n, row=Row(hashes=data))
    return []


@answers(LEDGER.edge_tile)
async def edge_tile(tx: Transaction, _now_us: int, log: str, level: int, n: int) -> list[Row]:
    row = tx.get("tiles", log, level, n)
    return [row] if row else []


@answers(LEDGER.halt)
async def halt(tx: Transaction, _now_us: int, log: str, reason: str) -> list[Row]:
    await tx.lock("heads", log)
    row = tx.get("heads", log)
    if row is not None and row["halted"] is None:
        tx.put("heads", log, row=row.but(halted=reason))
    return []


@answers(LEDGER.start_tracking)
async def start_tracking(tx: Transaction, _now_us: int, projection: str, log: str) -> list[Row]:
    await tx.lock("tracking", projection)
    if tx.get("tracking", projection) is None:
        tx.put("tracking", projection, row=Row(log=log, next=0, failed=None))
    return []


@answers(LEDGER.tracking)
async def tracking(tx: Transaction, _now_us: int, projection: str) -> list[Row]:
    await tx.lock("tracking", projection)
    row = tx.get("tracking", projection)
    return [row.only("next", "failed")] if row else []


@answers(LEDGER.advance_tracking)
async def advance_tracking(tx: Transaction, _now_us: int, projection: str, position: int) -> list[Row]:
    return await _set_tracking(tx, projection, next=position)


@answers(LEDGER.fail_tracking)
async def fail_tracking(tx: Transaction, _now_us: int, projection: str, reason: str) -> list[Row]:
    return await _set_tracking(tx, projection, failed=reason)


async def _set_tracking(tx: Transaction, projection: str, **changed: object) -> list[Row]:
    await tx.lock("tracking", projection)
    row = tx.get("tracking", projection)
    if row is not None:
        tx.put("tracking", projection, row=row.but(**changed))
    return []
