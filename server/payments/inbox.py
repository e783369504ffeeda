"""The inbox: every genuine notice, kept sealed until it is worked (design/operations.md "When things go wrong").

A row is filed once per provider event. It is claimed by lease, never by a lock that is held while somebody decides; its
states are `new`, `done`, `ignored`, `unhandled` and `dead`. The state of a row that is booked is written by the append
itself (`companions.INBOX_DONE`); everything else is written here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import asyncpg

import sql
from server.grouped import Grouped
from server.payments.notices import Notice

if TYPE_CHECKING:
    from server.vault import Vault
    from server.wakeups import Wakeups

TOPIC = "inbox"
BODY_DAYS_MAX = 30
SWEEP_ROWS_MAX = 1000
LIST_LIMIT_MAX = 200
OUTCOME_LEN_MAX = 200
PROBE_BYTES = 32_768
GROUP_INTERVAL_S = 0.005
"""A webhook waits at most this long for company: 200 statements a second carry any number of notices."""

Outcome = Literal["done", "ignored", "unhandled"]
_QUERIES = sql.load("payments")
_LAST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Row:
    """A claimed row. `attempts` counts this one; the body is still sealed."""

    key: bytes
    type: str
    stream: bytes
    sealed_body: bytes
    body_key: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows of a type stand in a state."""

    state: str
    type: str
    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """A row as people see it; `arrival` is the cursor of the list."""

    arrival: int
    type: str
    state: str
    attempts: int
    outcome: str | None
    position: int | None
    received_at: datetime
    due_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Filing:
    key: bytes
    type: str
    object_key: bytes
    sealed_body: bytes
    body_key: str
    body_sha256: bytes
    ignored: str | None


@dataclass(frozen=True, slots=True)
class _Finish:
    key: bytes
    state: Outcome
    outcome: str
    position: int | None


class Inbox:
    """The table `payments_inbox`. Database errors pass through: the caller decides what they mean to whom he serves."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault, wakeups: Wakeups, *, statement_timeout_s: float = 5.0) -> None:
        self._pool = pool
        self._vault = vault
        self._wakeups = wakeups
        self._timeout_s = statement_timeout_s
        self._has_failed = False
        self._filing: Grouped[_Filing, bool] = Grouped(
            self._file, timeout_s=statement_timeout_s, interval_s=GROUP_INTERVAL_S
        )
        self._finishing: Grouped[_Finish, None] = Grouped(
            self._finish, timeout_s=statement_timeout_s, interval_s=GROUP_INTERVAL_S
        )

    async def file(self, body: bytes, notice: Notice, ignored: str | None = None) -> bool:
        """Keep a notice; return whether it is new. When this returns, it is durable.

        `ignored` files it as set aside already, with that reason. Raises grouped.QueueFull when too many wait.
        """
        key_id, sealed = self._vault.seal("inbox", body)
        subject = notice.subject or notice.key.hex()
        filing = _Filing(
            key=notice.key,
            type=notice.type,
            object_key=self.stream(subject),
            sealed_body=sealed,
            body_key=key_id,
            body_sha256=hashlib.sha256(body).digest(),
            ignored=ignored,
        )
        try:
            is_new = await self._filing.call(filing)
        except Exception:
            self._has_failed = True
            raise
        self._has_failed = False
        return is_new

    async def trouble(self) -> str | None:
        """Return None, or that no notice can be kept just now, in words for outsiders.

        After a notice could not be filed it is tried with one that is taken back: a database that is full or read-only
        answers every question and keeps nothing, and senders who were told so may not come again before we say "ready".
        """
        if not self._has_failed:
            return None
        probe = _Filing(os.urandom(32), "probe", os.urandom(32), os.urandom(PROBE_BYTES), "", os.urandom(32), None)
        async with self._pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                await connection.fetch(_QUERIES.file_notices, *_columns([probe]), timeout=self._timeout_s)
            except asyncpg.PostgresError:
                return "notices cannot be kept"
            finally:
                await transaction.rollback()
        self._has_failed = False
        return None

    def stream(self, payment: str) -> bytes:
        """Return the stream key of a payment (PaymentIntent id, or Charge id): a hash that only we can compute."""
        return self._vault.keyed_hash("stripe-payment", payment)

    def open(self, row: Row) -> bytes:
        """Return the body as it came. Raises the vault's errors, e.g. KeyDestroyed after 35 days."""
        return self._vault.open(row.body_key, row.sealed_body)

    async def claim(self, worker: str, *, lease_s: float, limit: int) -> list[Row]:
        """Lease up to `limit` due rows to `worker`: at most one per payment, and none behind a dead one."""
        rows = await self._pool.fetch(_QUERIES.claim_notices, worker, lease_s, limit, timeout=self._timeout_s)
        return [Row(r["key"], r["type"], r["object_key"], r["body"], r["body_key"], r["attempts"]) for r in rows]

    async def finish(self, row: Row, state: Outcome, outcome: str, position: int | None = None) -> None:
        """Write the outcome of a row that led to no entry of its own."""
        await self._finishing.call(_Finish(row.key, state, outcome[:OUTCOME_LEN_MAX], position))

    async def delay(self, row: Row, worker: str, delay_s: float, why: str, *, counted: bool) -> None:
        """Give a claimed row back for later; `counted` says whether the attempt counts against its limit."""
        why = why[:OUTCOME_LEN_MAX]
        await self._pool.execute(_QUERIES.delay_notice, row.key, worker, delay_s, why, counted, timeout=self._timeout_s)

    async def bury(self, row: Row, worker: str, why: str) -> None:
        """Give a claimed row up. Rows about the same payment wait behind it until somebody has looked."""
        await self._pool.execute(_QUERIES.bury_notice, row.key, worker, why[:OUTCOME_LEN_MAX], timeout=self._timeout_s)

    async def retry(self, event_type: str | None = None) -> int:
        """Work unhandled and dead rows again, of one type or of all; return how many. Rows without a body stay."""
        tag = await self._pool.execute(_QUERIES.retry_notices, event_type, timeout=self._timeout_s)
        self._wakeups.notify(TOPIC)
        return int(tag.rpartition(" ")[2])

    async def counts(self) -> list[Count]:
        """Return how many rows stand in each state, by type."""
        rows = await self._pool.fetch(_QUERIES.count_notices, timeout=self._timeout_s)
        return [Count(**row) for row in rows]

    async def listing(
        self, state: str, *, event_type: str | None = None, before: int | None = None, limit: int = LIST_LIMIT_MAX
    ) -> list[Listed]:
        """Return rows in one state, newest first, older than the cursor `before` (an `arrival`)."""
        limit = min(limit, LIST_LIMIT_MAX)
        cursor = _LAST if before is None else before
        rows = await self._pool.fetch(_QUERIES.list_notices, state, event_type, cursor, limit, timeout=self._timeout_s)
        return [Listed(**row) for row in rows]

    async def sweep(self, *, days: int = BODY_DAYS_MAX, limit: int = SWEEP_ROWS_MAX) -> int:
        """Forget the bodies of rows finished `days` ago; return how many. What stays holds no personal data."""
        tag = await self._pool.execute(_QUERIES.sweep_bodies, days, limit, timeout=self._timeout_s)
        return int(tag.rpartition(" ")[2])

    async def _file(self, filings: list[_Filing]) -> Sequence[bool]:
        # In the order of their keys: two processes that file the same events lock them in the same order.
        ordered = sorted(filings, key=lambda filing: filing.key)
        rows = await self._pool.fetch(_QUERIES.file_notices, *_columns(ordered), timeout=self._timeout_s)
        new = {row["key"] for row in rows}
        if new:
            self._wakeups.notify(TOPIC)
        # Of several equal events in one group, the first to be asked about is the new one.
        answers = []
        for filing in filings:
            answers.append(filing.key in new)
            new.discard(filing.key)
        return answers

    async def _finish(self, finishes: list[_Finish]) -> Sequence[None]:
        await self._pool.execute(
            _QUERIES.finish_notices,
            [f.key for f in finishes],
            [f.state for f in finishes],
            [f.outcome for f in finishes],
            [f.position for f in finishes],
            timeout=self._timeout_s,
        )
        return [None] * len(finishes)


def _columns(filings: Sequence[_Filing]) -> list[list[object]]:
    """The parameters of `file_notices`."""
    return [
        [f.key for f in filings],
        [f.type for f in filings],
        [f.object_key for f in filings],
        [f.sealed_body for f in filings],
        [f.body_key for f in filings],
        [f.body_sha256 for f in filings],
        [f.ignored for f in filings],
    ]
