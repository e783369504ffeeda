"""The facts of /status: what everyone may know, and what is for the operator (attacks B5, B12, B16)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import sql
from ledger import clocks
from server.health import Check, Fact

if TYPE_CHECKING:
    import asyncpg

    from ledger.reader import LogReader
    from ledger.types import LogName
    from server.birth import LogIdentity
    from server.db import Database
    from server.http.page import WebPage
    from server.payments.inbox import Inbox
    from server.payments.pending_fees import PendingFees
    from server.tasks import Tasks

HALTED_ELSEWHERE = "its signer does not sign what it read"

_LEDGER = sql.load("ledger")
_PUBLISHING = sql.load("publishing")
PASSES_MAX = 8
"""Monthly passes that are shown: those of two months."""


def public_facts(
    identity: LogIdentity, readers: Mapping[LogName, LogReader], page: WebPage, clock: Callable[[], int]
) -> dict[str, Fact]:
    """Return what everyone may know: what this log is, how far it is, whether it stands still."""
    public = readers["public"]

    async def mode() -> str:
        return identity.mode

    async def origin() -> str:
        return identity.origin

    async def size() -> int | None:
        head = await public.head()
        return head.size if head else None

    async def halted() -> dict[str, object] | None:
        for log, reader in readers.items():
            head = await reader.head()
            if head is not None and head.halted is not None:
                # How large another log is counts what people ask of us; its reason names a position (attacks B12).
                reason = head.halted if log == "public" else HALTED_ELSEWHERE
                return {"log": log, "at": await size(), "reason": reason}
        return None

    async def checkpoint() -> dict[str, object] | None:
        newest = await public.newest_checkpoint()
        if newest is None:
            return None
        return {"size": newest.size, "age_s": round((clock() - newest.signed_at_us) / 1e6, 3)}

    async def page_built() -> bool:
        return page.built

    return {
        "mode": mode,
        "origin": origin,
        "size": size,
        "halted": halted,
        "checkpoint": checkpoint,
        "page_built": page_built,
    }


def clock_check(pool: asyncpg.Pool, clock: Callable[[], int]) -> Check:
    """A check that this machine's clock is the database's, judged as the writer judges it (attacks E12).

    While it is not, nothing is appended and notices are still kept: a warning, no reason to be sent no requests.
    """

    async def check() -> str | None:
        earliest = clock()
        now_us = await pool.fetchval(_LEDGER.clock)
        skew = clocks.skew_us(earliest, now_us, clock())
        if abs(skew) <= clocks.CLOCK_SKEW_US_MAX:
            return None
        return (
            f"this machine is {skew / 1e6:+.1f} s off the database's clock; nothing is appended until that is set right"
        )

    return check


def operator_facts(
    database: Database, inbox: Inbox, fees: PendingFees, tasks: Tasks, readers: Mapping[LogName, LogReader]
) -> dict[str, Fact]:
    """Return what is for the operator: what waits, what lags, what crashed."""

    async def logs() -> dict[str, object]:
        heads = {log: await reader.head() for log, reader in readers.items()}
        return {
            log: {"size": head.size, "epoch": head.epoch, "halted": head.halted}
            for log, head in heads.items()
            if head is not None
        }

    async def inbox_counts() -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = {}
        for row in await inbox.counts():
            counts.setdefault(row.state, {})[row.type] = row.count
        return counts

    async def fees_pending() -> dict[str, object]:
        counted = await fees.count()
        return {"count": counted.count, "troubled": counted.troubled}

    async def projections() -> dict[str, object]:
        rows = await database.writer.fetch(_LEDGER.trackings)
        return {r["projection"]: {"next": r["next"], "lag": r["lag"], "failed": r["failed"]} for r in rows}

    async def crashes() -> dict[str, int]:
        return dict(tasks.crashes)

    async def database_separated() -> bool:
        return database.separated

    return {
        "logs": logs,
        "inbox": inbox_counts,
        "fees_pending": fees_pending,
        "projections": projections,
        **_publishing_facts(database),
        "crashes": crashes,
        "database_separated": database_separated,
    }


def _publishing_facts(database: Database) -> dict[str, Fact]:
    async def waiting() -> dict[str, int]:
        rows = await database.publisher.fetch(_PUBLISHING.waiting_count)
        return {row["kind"]: row["count"] for row in rows}

    async def monthly() -> dict[str, list[str]]:
        """What is told of the newest months; the public month closes once all four kinds are."""
        told: dict[str, list[str]] = {}
        for row in await database.publisher.fetch(_PUBLISHING.passes, PASSES_MAX):
            told.setdefault(row["month"], []).append(row["kind"])
        return told

    return {"unpublished": waiting, "monthly_passes": monthly}
