"""A plan as the parameters of the one statement that writes it. Pure; in the order of `write_batch` in ledger.sql."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import orjson

from ledger.plan import Plan
from ledger.types import Head, SealedSlots


def parameters(head: Head, plan: Plan, signature: bytes) -> list[Any]:
    """Return what `write_batch` takes to move the log from `head` to the plan's head."""
    after = plan.head
    return [
        head.log,
        head.size,
        after.size,
        head.epoch,
        after.last_leaf_hash,
        after.last_at_us,
        after.rules_position,
        signature,
        [row.position for row in plan.entries],
        [row.type for row in plan.entries],
        [row.period for row in plan.entries],
        [row.at_us for row in plan.entries],
        [row.bytes for row in plan.entries],
        [row.leaf_hash for row in plan.entries],
        *transposed([(*key, amount) for key, amount in plan.balances.items()], 5),
        [position for position, _ in plan.slots],
        [sealed.slot_hashes for _, sealed in plan.slots],
        [boxes_to_json(sealed) for _, sealed in plan.slots],
        *transposed(plan.streams, 3),
        *transposed(plan.seen, 4),
        *transposed(plan.claims, 3),
        *transposed(
            [(rule.kind, rule.name, rule.position, orjson.dumps(rule.data).decode()) for rule in plan.rules], 4
        ),
    ]


def boxes_to_json(sealed: SealedSlots) -> str:
    """Return the sealed boxes as they are stored; `ledger.reader` reads them back."""
    boxes = [
        {
            "group": box.group,
            "key_id": box.key_id,
            "wrapped_key": base64.b64encode(box.wrapped_key).decode(),
            "nonce": base64.b64encode(box.nonce).decode(),
            "ciphertext": base64.b64encode(box.ciphertext).decode(),
        }
        for box in sealed.boxes
    ]
    return orjson.dumps(boxes).decode()


def transposed(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows as columns, for unnest; `width` columns even of no rows."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
