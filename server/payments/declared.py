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
        self._rules = Rules(frozenset(), {}, time_zone)

    @property
    def time_zone(self) -> tzinfo:
        """The log's time zone."""
        return self._rules.time_zone

    async def for_gift(self, command: ReceiveGift) -> Rules:
        """Return rules that know this gift's asset and fund, if the log does."""
        if command.asset not in self._rules.assets or (command.fund or GENERAL) not in self._rules.funds:
            await self._read()
        return self._rules

    async def _read(self) -> None:
        rows = await self._pool.fetch(_QUERIES.declared, PENDING)
        funds = {row["name"]: row["restriction"] for row in rows if row["restriction"] is not None}
        assets = frozenset(asset for row in rows if row["assets"] for asset in orjson.loads(row["assets"]))
        self._rules = Rules(assets, funds, self.time_zone)
