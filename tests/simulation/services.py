"""What the named queries of the publisher, the projection of gifts and witnessing do, beside the ledger's own."""

from __future__ import annotations

from typing import Any

import asyncpg
import orjson

import sql
from tests.simulation.statements import HANDLERS, answers, insert
from tests.simulation.tables import Row, Transaction

__all__ = ["HANDLERS"]
PUBLISHING, GIVING = sql.load("publishing"), sql.load("giving")
PUBLIC, WITNESS = sql.load("public"), sql.load("witness")


@answers(PUBLISHING.publisher_next)
async def publisher_next(tx: Transaction, _now_us: int) -> list[Row]:
    row = tx.get("tracking", "publisher")
    return [row.only("next")] if row else []


@answers(PUBLISHING.publisher_advance)
async def publisher_advance(tx: Transaction, _now_us: int, start: int, end: int, waiting: str) -> list[Row]:
    await tx.lock("tracking", "publisher")
    row = tx.get("tracking", "publisher")
    if row is None or row["next"] != start:
        raise asyncpg.SerializationError(f"publisher was overtaken: it is no longer at {start}")
    tx.put("tracking", "publisher", row=row.but(next=end))
    for item in orjson.loads(waiting):
        values = Row(kind=item["kind"], at_us=item["at_us"])
        await insert(tx, "waiting", item["position"], row=values)
    return []


@answers(PUBLISHING.publisher_companion)
async def publisher_companion(
    tx: Transaction, now_us: int, payloads: list[str], _firsts: list[int], _counts: list[int], fresh: list[bool]
) -> list[Row]:
    for payload, is_fresh in zip(payloads, fresh, strict=True):
        if is_fresh:
            p = orjson.loads(payload)
            await publisher_advance(tx, now_us, p["from"], p["to"], orjson.dumps(p["waiting"]).decode())
    return []


@answers(PUBLISHING.anchor_companion)
async def anchor_companion(
    tx: Transaction, _now_us: int, payloads: list[str], firsts: list[int], _counts: list[int], fresh: list[bool]
) -> list[Row]:
    for payload, first, is_fresh in zip(payloads, firsts, fresh, strict=True):
        if is_fresh:
            await insert(tx, "anchors", first, row=Row(**orjson.loads(payload)))
    return []


@answers(PUBLISHING.policies)
async def policies(tx: Transaction, _now_us: int) -> list[Row]:
    found = [row for key, row in tx.all("rules") if key[:2] == ("public", "policy")]
    return [row.only("data") for row in sorted(found, key=lambda row: row["position"])]


@answers(GIVING.insert_gifts)
async def insert_gifts(tx: Transaction, _now_us: int, *columns: list[Any]) -> list[Row]:
    names = (
        "position",
        "at_us",
        "period",
        "effective_on",
        "fund",
        "asset",
        "amount_minor",
        "visibility",
        "fee_borne_by",
    )
    for values in zip(*columns, strict=True):
        row = Row(**dict(zip((*names, "state"), values, strict=True)), fee_minor=None, fee_position=None)
        await insert(tx, "gifts", row["position"], row=row)
    return []


@answers(GIVING.set_fees)
async def set_fees(
    tx: Transaction, _now_us: int, positions: list[int], fees: list[int], fee_positions: list[int]
) -> list[Row]:
    for position, fee, fee_position in zip(positions, fees, fee_positions, strict=True):
        row = tx.get("gifts", position)
        if row is not None:
            tx.put("gifts", position, row=row.but(fee_minor=fee, fee_position=fee_position))
    return []


@answers(PUBLIC.newest_checkpoint)
async def newest_public_checkpoint(tx: Transaction, _now_us: int) -> list[Row]:
    found = [row for key, row in tx.all("checkpoints") if key[0] == "public"]
    return [max(found, key=lambda row: row["size"]).only("size", "note")] if found else []


@answers(PUBLIC.covering_checkpoint)
async def covering_checkpoint(tx: Transaction, _now_us: int, size: int) -> list[Row]:
    found = [row for key, row in tx.all("checkpoints") if key[0] == "public" and key[1] >= size]
    return [min(found, key=lambda row: row["size"]).only("size", "note")] if found else []


@answers(PUBLIC.leaf_hashes)
async def leaf_hashes(tx: Transaction, _now_us: int, start: int, end: int) -> list[Row]:
    found = (tx.get("entries", "public", position) for position in range(start, end))
    return [Row(hashes=b"".join(row["leaf_hash"] for row in found if row is not None))]


@answers(WITNESS.reached)
async def reached(tx: Transaction, _now_us: int, vkeys: list[str]) -> list[Row]:
    newest: dict[str, Row] = {}
    for (size, vkey), row in tx.all("cosignatures"):
        if vkey in vkeys and (vkey not in newest or newest[vkey]["size"] < size):
            newest[vkey] = Row(vkey=vkey, size=size, time_s=row["time_s"])
    return list(newest.values())


@answers(WITNESS.store)
async def store(tx: Transaction, _now_us: int, size: int, vkey: str, time_s: int, line: str) -> list[Row]:
    await tx.lock("cosignatures", size, vkey)
    old = tx.get("cosignatures", size, vkey)
    if old is None or old["time_s"] < time_s:
        tx.put("cosignatures", size, vkey, row=Row(time_s=time_s, line=line))
    return []
