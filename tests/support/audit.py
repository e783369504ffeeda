"""What the ledger says, read again from the stored bytes alone, to be held against what a sender knows that he sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import asyncpg

from ledger import canonical
from ledger.types import Entry
from server.domains.giving.events import GIFT_RECEIVED, GIFT_SUSPENDED, SUSPENSE

Gifts = Counter[tuple[str, str, int]]
"""How many gifts there are of each (fund, asset, amount in minor units)."""


@dataclass(slots=True)
class Books:
    """What was found: `due` are the gifts that do not wait, `published` those that are; `inbox` counts by state."""

    received_minor: Counter[tuple[str, str]] = field(default_factory=Counter)
    suspended_minor: Counter[str] = field(default_factory=Counter)
    fees_minor: int = 0
    gifts: int = 0
    due: Gifts = field(default_factory=Counter)
    published: Gifts = field(default_factory=Counter)
    inbox: Counter[str] = field(default_factory=Counter)
    sizes: dict[str, int] = field(default_factory=dict)
    signed: dict[str, int] = field(default_factory=dict)


async def read_books(admin_url: str) -> Books:
    """Read both logs from their entries; no read model and no running sum is believed."""
    connection = await asyncpg.connect(admin_url)
    # One moment for all of it: gifts that chose to be quiet are told at any time.
    moment = connection.transaction(isolation="repeatable_read", readonly=True)
    await moment.start()
    try:
        found = Books()
        waiting = {row["position"] for row in await connection.fetch("select position from publishing_waiting")}
        for row in await connection.fetch("select log, bytes from ledger_entries where position > 0"):
            _count(found, row["log"], canonical.parse_entry(row["bytes"]), waiting)
        states = await connection.fetch("select state, count(*) from payments_inbox group by state")
        found.inbox.update(dict(map(tuple, states)))
        heads = await connection.fetch(
            "select h.log, h.size, max(c.size) as signed from ledger_heads h"
            " left join ledger_checkpoints c on c.log = h.log group by h.log, h.size"
        )
        found.sizes = {row["log"]: row["size"] for row in heads}
        found.signed = {row["log"]: row["signed"] for row in heads}
        return found
    finally:
        await connection.close()


def _count(found: Books, log: str, entry: Entry, waiting: AbstractSet[int]) -> None:
    if entry.type not in {GIFT_RECEIVED, GIFT_SUSPENDED}:
        found.fees_minor += sum(line.amount for line in entry.postings if line.account.startswith("expenses:fees:"))
        return
    where = SUSPENSE if entry.type == GIFT_SUSPENDED else "income:gifts"
    line = next(posting for posting in entry.postings if posting.account.startswith(where))
    gift = (line.fund, line.asset, -line.amount)
    if log == "public":
        found.published[gift] += 1
        return
    found.gifts += 1
    if entry.type == GIFT_SUSPENDED:
        found.suspended_minor[line.asset] -= line.amount
        return
    found.received_minor[line.fund, line.asset] -= line.amount
    if entry.position not in waiting:
        found.due[gift] += 1
