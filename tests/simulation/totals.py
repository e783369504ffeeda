"""A projection that adds: applied twice or passed over once, it is wrong for ever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger import canonical
from ledger.types import LogName, StoredEntry
from tests.simulation.statements import answers
from tests.simulation.tables import Row, Transaction

ADD = "add to the totals of the simulation"


class Totals:
    """books → the sum of each account and fund, and how many entries there were."""

    name: str = "totals"
    log: LogName = "books"

    async def apply(self, connection: Any, entries: Sequence[StoredEntry]) -> None:
        for stored in entries:
            for name, amount in changes(stored.bytes).items():
                await connection.execute(ADD, name, amount)


def changes(data: bytes) -> dict[str, int]:
    """What one entry adds."""
    entry = canonical.parse_entry(data)
    found = {"entries": 1}
    for posting in entry.postings:
        name = f"{posting.account} {posting.fund}"
        found[name] = found.get(name, 0) + posting.amount
    return found


@answers(ADD)
async def add(tx: Transaction, _now_us: int, name: str, amount: int) -> list[Row]:
    await tx.lock("totals", name)
    old = tx.get("totals", name)
    tx.put("totals", name, row=Row(amount=(old["amount"] if old else 0) + amount))
    return []
