"""What is pending, and until when: an index over `books` for the sweeper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sql
from ledger import canonical, phases
from ledger.types import LogName, StoredEntry

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

_QUERIES = sql.load("expiry")
_PHASE = b'"phase":'


class PendingProjection:
    """books → `expiry_pending`. Entries with private slots leave no row: the slice that wrote them ends them itself."""

    name: str = "expiry_pending"
    log: LogName = "books"
    tables: tuple[str, ...] = ("expiry_pending",)

    async def apply(self, connection: PoolConnectionProxy, entries: Sequence[StoredEntry]) -> None:
        """Apply entries in order; one may be resolved in the batch that made it pending."""
        phased = [canonical.parse_entry(stored.bytes) for stored in entries if _PHASE in stored.bytes]
        pending = {
            entry.position: entry.expires_at_us
            for entry in phased
            if entry.phase == phases.PENDING and entry.private_root is None
        }
        resolved = [p for entry in phased if entry.phase in phases.RESOLVING for p in entry.refers_to]
        if pending:
            await connection.execute(_QUERIES.add_pending, list(pending), list(pending.values()))
        if resolved:
            await connection.execute(_QUERIES.drop_resolved, resolved)
