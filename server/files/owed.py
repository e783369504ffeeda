"""The fees that recovered gifts are owed an answer for.

A fee's row goes when the fee is booked, and that may be among what is lost: then the gift is there again without a fee
and without the row that asks for it. So the rows are told by the entries: the gift names the provider's objects in a
sealed slot, and an entry that records a fee refers to its gift.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sql
from ledger import canonical
from server.domains.giving.events import FEE_RECORDED, GIFT_RECEIVED, GIFT_SUSPENDED
from server.payments.pending_fees import sealed
from server.payments.translate import FeeReference

if TYPE_CHECKING:
    import asyncpg

    from ledger.plan import Plan
    from ledger.registry import TypeSpec
    from ledger.types import SealedSlots
    from ledger.verify import EntryChecker
    from server.vault import Vault

SLOT = "provider_objects"
_GIFTS = frozenset({GIFT_RECEIVED, GIFT_SUSPENDED})
_NAMES = tuple(field.name for field in dataclasses.fields(FeeReference))

_files = sql.load("files")


@dataclass(slots=True)
class Owed:
    """Gifts by position, with their stream and what to ask for; and the gifts whose fee is booked."""

    gifts: dict[int, tuple[bytes, FeeReference]] = field(default_factory=dict)
    booked: set[int] = field(default_factory=set)

    def read(
        self, checker: EntryChecker, plan: Plan, opened: Callable[[TypeSpec, SealedSlots], Mapping[str, Any]]
    ) -> None:
        """Take note of the entries of `books` in a plan."""
        slots, streams = dict(plan.slots), {position: stream for stream, _, position in plan.streams}
        for row in plan.entries:
            if row.type == FEE_RECORDED:
                self.booked.update(canonical.parse_entry(row.bytes).refers_to)
            if row.type not in _GIFTS or row.position not in slots or row.position not in streams:
                continue
            objects = opened(checker.registry.types[row.type], slots[row.position]).get(SLOT)
            if objects:
                reference = FeeReference(**{name: objects.get(name) for name in _NAMES})
                self.gifts[row.position] = streams[row.position], reference

    async def carry_on(self, connection: asyncpg.Connection, vault: Vault) -> None:
        """Let there be a row for every gift without a fee, and none for the others."""
        rows = [
            (stream, position, *reversed(sealed(vault, reference)))
            for position, (stream, reference) in self.gifts.items()
            if position not in self.booked
        ]
        if rows:
            await connection.execute(_files.owe_fees, *(list(column) for column in zip(*rows, strict=True)))
        if self.booked:
            await connection.execute(_files.settle_fees, sorted(self.booked))
