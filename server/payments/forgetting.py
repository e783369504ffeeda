"""What payments keep of a gift beside the books, and forget when its giver is erased (attacks D3, D4).

The bodies of the provider's notices go, as far as they are worked: one that is not yet may be money that nobody booked.
It is sealed under its day's key and gone within 35 days. Keyed hashes of the provider's objects stay: they keep a
payment from being booked twice, and lead nowhere without both the service's key and the object's name.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sql
from server.domains.giving.events import BOOKS_TYPES

if TYPE_CHECKING:
    import asyncpg

    from ledger.reader import LogReader
    from server.erasure.eraser import Sealed
    from server.vault import Vault

_QUERIES = sql.load("payments")
_SPECS = {spec.name: spec for spec in BOOKS_TYPES}


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Forgets bodies. `reader` reads `books`, whose slots are bound to `origin`."""

    pool: asyncpg.Pool
    reader: LogReader
    vault: Vault
    origin: str

    async def __call__(self, entries: Sequence[Sealed]) -> None:
        """Forget what was told about the payments behind these entries. Again, it changes nothing."""
        ours = {one.position: one.type for one in entries if one.log == "books" and one.type in _SPECS}
        payments: set[bytes] = set()
        for position, sealed in (await self.reader.slots(list(ours))).items():
            slots = self.vault.open_slots(self.origin, _SPECS[ours[position]], sealed, sealed.root)
            payments |= {base64.b64decode(owner) for _, owner, _ in slots.get("owners") or ()}
        if payments:
            await self.pool.execute(_QUERIES.forget_bodies, sorted(payments))
