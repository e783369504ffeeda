"""The tables of giving, folded from `books`: one row per gift, with the fee once it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, Self

import sql
from ledger.types import Entry, LogName, StoredEntry
from server.domains.giving import events

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

_QUERIES = sql.load("giving")
_GIFTS: Final = frozenset({events.GIFT_RECEIVED, events.GIFT_SUSPENDED})
_OURS: Final = _GIFTS | {events.FEE_RECORDED}


class GiftsProjection:
    """books → `giving_gifts`. The caller's transaction carries both the rows and the tracking position."""

    name: str = "giving_gifts"
    log: LogName = "books"
    tables: tuple[str, ...] = ("giving_gifts",)

    async def apply(self, connection: PoolConnectionProxy, entries: Sequence[StoredEntry]) -> None:
        """Apply entries in order; those of other slices are passed over. Raises for one that is not what it says."""
        ours = [events.read(stored.bytes) for stored in entries if events.UPCASTS.newest(stored.type) in _OURS]
        gifts = [_GiftRow.of(entry) for entry in ours if entry.type in _GIFTS]
        if gifts:
            columns = zip(*(gift.columns() for gift in gifts), strict=True)
            await connection.execute(_QUERIES.insert_gifts, *(list(column) for column in columns))
        # A fee refers to a gift before it, so all gifts of the batch can go in first.
        fees = [entry for entry in ours if entry.type == events.FEE_RECORDED]
        if fees:
            await connection.execute(
                _QUERIES.set_fees,
                [entry.refers_to[0] for entry in fees],
                [_amount(entry, events.PROCESSING_FEES) for entry in fees],
                [entry.position for entry in fees],
            )


@dataclass(frozen=True, slots=True)
class _GiftRow:
    entry: Entry
    fund: str
    asset: str

    @classmethod
    def of(cls, entry: Entry) -> Self:
        money = next(posting for posting in entry.postings if posting.account == events.PENDING)
        return cls(entry, money.fund, money.asset)

    def columns(self) -> tuple[object, ...]:
        """In the order of the query's arrays."""
        entry, data = self.entry, self.entry.data
        return (
            entry.position,
            entry.at_us,
            entry.period,
            date.fromisoformat(str(data["effective_on"])),
            self.fund,
            self.asset,
            _amount(entry, events.PENDING),
            data["visibility"],
            data["fee_borne_by"],
            "received" if entry.type == events.GIFT_RECEIVED else "suspense",
        )


def _amount(entry: Entry, account: str) -> int:
    return next(posting.amount for posting in entry.postings if posting.account == account)
