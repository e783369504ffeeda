"""The fees that are owed an answer: one row per booked gift until its balance transaction is known and booked.

A row comes into being with the gift and goes in the transaction that books its fee; in between it is visible, with the
reason why nothing is known yet. The provider may be away for days: the row waits, nothing is lost.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import orjson

import sql
from server.payments.translate import FeeReference

if TYPE_CHECKING:
    import asyncpg

    from server.vault import Vault
    from server.wakeups import Wakeups

TOPIC = "fees"
ERROR_LEN_MAX = 200
LIST_LIMIT_MAX = 200

_QUERIES = sql.load("payments")


@dataclass(frozen=True, slots=True)
class OwedFee:
    """A claimed row. `attempts` counts this one; the reference is still sealed."""

    stream: bytes
    position: int
    sealed_reference: bytes
    reference_key: str
    attempts: int


@dataclass(frozen=True, slots=True)
class FeeCount:
    """How many fees are owed an answer, since when, and how many of them have been asked for in vain."""

    count: int
    oldest: datetime | None
    troubled: int


@dataclass(frozen=True, slots=True)
class ListedFee:
    """A fee that is owed an answer, as people see it."""

    position: int
    since: datetime
    due_at: datetime
    attempts: int
    last_error: str | None


def sealed(vault: Vault, reference: FeeReference) -> tuple[str, bytes]:
    """Seal a reference as rows hold it: (the key's id, the bytes)."""
    return vault.seal("fees", orjson.dumps(asdict(reference)))


class PendingFees:
    """The table `payments_pending_fees`."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault, wakeups: Wakeups, *, statement_timeout_s: float = 5.0) -> None:
        self._pool = pool
        self._vault = vault
        self._wakeups = wakeups
        self._timeout_s = statement_timeout_s

    def seal(self, reference: FeeReference) -> tuple[str, bytes]:
        """Seal what to ask the provider for: it names the provider's objects."""
        return sealed(self._vault, reference)

    def open(self, fee: OwedFee) -> FeeReference:
        """Return what to ask the provider for. Raises the vault's errors."""
        return FeeReference(**orjson.loads(self._vault.open(fee.reference_key, fee.sealed_reference)))

    def wake(self) -> None:
        """Tell whoever asks the provider that a fee is owed."""
        self._wakeups.notify(TOPIC)

    async def hint(self, stream: bytes, reference: FeeReference) -> None:
        """Ask again now, more exactly. Without a row (the gift is not booked, or the fee known) it is forgotten."""
        key_id, sealed = self.seal(reference)
        await self._pool.execute(_QUERIES.hint_fee, stream, sealed, key_id, timeout=self._timeout_s)
        self.wake()

    async def claim(self, worker: str, *, lease_s: float, limit: int) -> list[OwedFee]:
        """Lease up to `limit` fees that are due to be asked for."""
        rows = await self._pool.fetch(_QUERIES.claim_fees, worker, lease_s, limit, timeout=self._timeout_s)
        return [OwedFee(r["stream"], r["position"], r["reference"], r["reference_key"], r["attempts"]) for r in rows]

    async def settle(self, fee: OwedFee) -> None:
        """Nothing is owed: it is booked already."""
        await self._pool.execute(_QUERIES.settle_fee, fee.stream, timeout=self._timeout_s)

    async def zero(self, fee: OwedFee) -> None:
        """The provider kept nothing. The row stays, as the record that this is known."""
        await self._pool.execute(_QUERIES.zero_fee, fee.stream, timeout=self._timeout_s)

    async def delay(self, fee: OwedFee, worker: str, delay_s: float, why: str | None) -> None:
        """Ask again later; `why` is shown until then."""
        why = why[:ERROR_LEN_MAX] if why else None
        await self._pool.execute(_QUERIES.delay_fee, fee.stream, worker, delay_s, why, timeout=self._timeout_s)

    async def count(self) -> FeeCount:
        """Return how many fees are owed an answer."""
        [row] = await self._pool.fetch(_QUERIES.count_fees, timeout=self._timeout_s)
        return FeeCount(**row)

    async def listing(self, limit: int = LIST_LIMIT_MAX) -> list[ListedFee]:
        """Return fees that are owed an answer, the longest waiting first."""
        rows = await self._pool.fetch(_QUERIES.list_fees, min(limit, LIST_LIMIT_MAX), timeout=self._timeout_s)
        return [ListedFee(**row) for row in rows]
