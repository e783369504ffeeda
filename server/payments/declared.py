"""What `books` has declared that a gift depends on: its funds, and the assets a processor's money may be booked in."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING

import orjson

import sql
from server.domains.giving.commands import ReceiveGift
from server.domains.giving.decide import Rules
from server.domains.giving.events import GENERAL, PENDING

if TYPE_CHECKING:
    import asyncpg

_QUERIES = sql.load("payments")


class DeclaredRules:
    """The rules as last read. No declaration is ever taken back, so only the unknown is a reason to read again."""

    def __init__(self, pool: asyncpg.Pool, time_zone: tzinfo) -> None:
        self._pool = pool
        self.rules = Rules(frozenset(), {}, time_zone)

    async def for_gift(self, command: ReceiveGift) -> Rules:
        """Return rules that know this gift's asset and fund, if the log does."""
        if command.asset not in self.rules.assets or (command.fund or GENERAL) not in self.rules.funds:
            await self.read()
        return self.rules

    async def read(self) -> None:
        """Read what is declared now."""
        rows = await self._pool.fetch(_QUERIES.declared, PENDING)
        funds = {row["name"]: row["restriction"] for row in rows if row["restriction"] is not None}
        assets = frozenset(asset for row in rows if row["assets"] for asset in orjson.loads(row["assets"]))
        self.rules = Rules(assets, funds, self.rules.time_zone)
