"""The ledger's words as types. Pure: no clock, no randomness, no I/O.

Times are integer microseconds since 1970-01-01 UTC (`_us`). Hashes are 32 raw bytes. Amounts are integer minor units.
Positions are dense from 0; `size` is a count, so the next position.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

LogName = Literal["books", "audit", "public"]
LOGS: tuple[LogName, ...] = ("books", "audit", "public")
Phase = Literal["pending", "posted", "voided", "expired"]

Data = Mapping[str, object]
"""Values of `data`: strings, integers, and lists or objects of them; never floats, null or booleans."""


@dataclass(frozen=True, slots=True, order=True)
class Posting:
    """One line of double entry as it stands in the bytes. Debits are positive. Order: (account, asset, fund)."""

    account: str
    asset: str
    fund: str
    amount: int


@dataclass(frozen=True, slots=True)
class OwnedPosting:
    """A posting with its private owner: empty bytes, or the 32-byte key of a gift, deal, member or lot (books only)."""

    account: str
    asset: str
    fund: str
    amount: int
    owner: bytes = b""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, parsed. `canonical.encode_entry` turns it into the bytes that are stored, hashed and published."""

    log: str
    position: int
    prev: bytes
    at_us: int
    period: str
    type: str
    data: Data
    postings: tuple[Posting, ...]
    private_root: bytes | None = None
    phase: Phase | None = None
    expires_at_us: int | None = None
    refers_to: tuple[int, ...] = ()
    v: int = 1


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as the database holds it. Only `bytes` is evidence; the other columns are an index over them."""

    position: int
    type: str
    at_us: int
    bytes: builtins.bytes
    leaf_hash: builtins.bytes


@dataclass(frozen=True, slots=True)
class SealedBox:
    """One key group's slots (values and salts), sealed under a per-entry key that `key_id` wraps."""

    group: Literal["identity", "audit"]
    key_id: str
    wrapped_key: bytes
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class SealedSlots:
    """The private half of an entry, made before the lock. Only `root` goes into the bytes."""

    root: bytes
    slot_hashes: bytes
    boxes: tuple[SealedBox, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a command wants written; the writer adds log, position, prev, at and, unless given, period."""

    type: str
    data: Data = field(default_factory=dict)
    postings: tuple[OwnedPosting, ...] = ()
    period: str | None = None
    private: SealedSlots | None = None
    phase: Phase | None = None
    expires_at_us: int | None = None
    refers_to: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Idempotency:
    """`key`: keyed hash of principal, route and key. `request_hash`: keyed hash of the request. 32 bytes each."""

    key: bytes
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """A provider object that may be booked once per kind, e.g. `("refund", keyed hash of re_…)`."""

    kind: str
    key: bytes


@dataclass(frozen=True, slots=True)
class Companion:
    """A row of work done in the append's own transaction by the set-based statement registered under `name`.

    The statement runs once per batch and name with four parallel arrays: `payloads jsonb[]`, `firsts bigint[]`
    (first position, of the earlier append for a replayed command), `counts int[]` and `fresh bool[]`.
    It may raise: then the command is refused.
    """

    name: str
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Command:
    """A request to append. All drafts are written, next to one another, or none: they are a linked group.

    Every command has its own result, whatever batch it goes in and whatever becomes of its neighbours: `Appended`, new
    or replayed; a `Refused` that says why, and nothing of it is written; or `Unavailable`, and it may be sent again
    (with its idempotency key where that is OutcomeUnknown).

    `guards` names the sums that must not fall below zero: decisions name them, facts leave it empty (C2).
    `expected_version`: version of `stream` the caller decided on; None appends at whatever version it has.
    `deadline_us`: dropped unwritten if still waiting then.
    """

    drafts: tuple[Draft, ...]
    stream: bytes | None = None
    expected_version: int | None = None
    idempotency: Idempotency | None = None
    claims: tuple[Claim, ...] = ()
    guards: tuple[str, ...] = ()
    companion: Companion | None = None
    deadline_us: int | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """A command was written, or had been written before (`replayed`). `leaf_hashes` is empty for a replayed one."""

    first: int
    count: int
    leaf_hashes: tuple[bytes, ...]
    stream_version: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """The head row of one log, as read under its lock."""

    log: LogName
    origin: str
    time_zone: str
    size: int
    last_leaf_hash: bytes
    last_at_us: int
    epoch: int
    rules_position: int
    halted: str | None = None
