"""Every column of the database that could hold something of a person: what it holds, and what ends it (attacks D4).

The only place where this stands. A test fails on a column of text, bytes, JSON or a list of them that is not here: who
adds a table decides here what erasure does to it. Numbers and times are not listed: alone they name nobody, and what
the books say of amounts and days is never erased (attacks D8).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final


class Holds(Enum):
    """What a column holds, and so what an erasure has to do with it."""

    NOTHING = "names, states and digests of the service's own: nothing of a person"
    BYTES = "bytes that are public or as good: no person's data may ever be in them, only commitments (attacks D6)"
    SENTENCE = "a short sentence of our own making, without anybody's data"
    KEYED = "a keyed hash, which leads nowhere without the service's key and the value; it stays and keeps books right"
    KEY = "the random name of a person's key; it goes when the key is destroyed"
    BOXES = "sealed under a person's keys; those of a destroyed key are removed"
    BODY = "sealed under a day's key; removed with the person, and unreadable after 35 days in any case"
    PROVIDER = "sealed: the provider's names of objects, which the law holds; gone when the fee is known"


_N, _B, _K = Holds.NOTHING, Holds.BYTES, Holds.KEYED

COLUMNS: Final[Mapping[str, Mapping[str, Holds]]] = {
    "erasure_covered": {"log": _N},
    "erasure_entries": {"key_id": Holds.KEY, "log": _N},
    "expiry_pending": {},
    "exports_papers": {"content": _N, "kind": _N, "log": _N},
    "giving_gifts": {
        "asset": _N,
        "fee_borne_by": _N,
        "fund": _N,
        "period": _N,
        "state": _N,
        "visibility": _N,
    },
    "ledger_balances": {"account": _N, "asset": _N, "fund": _N, "log": _N, "owner": _K},
    "ledger_batches": {"log": _N, "signature": _N},
    "ledger_checkpoints": {"log": _N, "note": _B, "root_hash": _B},
    "ledger_claims": {"key": _K, "kind": _N, "log": _N},
    "ledger_entries": {"bytes": _B, "leaf_hash": _B, "log": _N, "period": _N, "type": _N},
    "ledger_heads": {
        "halted": Holds.SENTENCE,
        "last_leaf_hash": _B,
        "log": _N,
        "mode": _N,
        "origin": _N,
        "time_zone": _N,
    },
    "ledger_idempotency": {"key": _K, "log": _N, "request_hash": _K},
    "ledger_partitions": {"log": _N},
    "ledger_rules": {"data": _B, "kind": _N, "log": _N, "name": _N},
    "ledger_slots": {"boxes": Holds.BOXES, "log": _N, "slot_hashes": _B},
    "ledger_stream_entries": {"log": _N, "stream": _K},
    "ledger_streams": {"log": _N, "stream": _K},
    "ledger_tiles": {"hashes": _B, "log": _N},
    "ledger_tracking": {"failed": Holds.SENTENCE, "log": _N, "projection": _N},
    "payments_inbox": {
        "body": Holds.BODY,
        "body_key": _N,
        "body_sha256": _N,
        "claimed_by": _N,
        "key": _N,
        "object_key": _K,
        "outcome": Holds.SENTENCE,
        "provider": _N,
        "state": _N,
        "type": _N,
    },
    "payments_pending_fees": {
        "claimed_by": _N,
        "last_error": Holds.SENTENCE,
        "reference": Holds.PROVIDER,
        "reference_key": _N,
        "stream": _K,
    },
    "promises_keys": {"note": _N, "vkey": _N},
    "public_lines": {},
    "public_lists": {"account": _N, "asset": _N, "fund": _N, "type": _N},
    "public_months": {"period": _N},
    "public_texts": {"lists": _N, "period": _N, "words": _B},
    "publishing_anchors": {"nonce": _B, "notes": _B},
    "publishing_batches": {"leaves": _B},
    "publishing_effects": {"kind": _N, "payload": _B},
    "publishing_passes": {"kind": _N, "month": _N, "owed": _N},
    "publishing_waiting": {"kind": _N},
    "schema_migrations": {"name": _N},
    "witness_cosignatures": {"line": _N, "vkey": _N},
}
"""By table and column. `payments_inbox.body_sha256` is of a body that holds random ids: nobody guesses it back."""
