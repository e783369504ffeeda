"""What a month's close is held against: the log's sums, those of later months kept apart.

Balances are of now. What entries of later months added is taken off again; those entries stand at the end of the log,
because a period is the month of an entry's time or the one before (SPEC.md 2), so only the end is read.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import tzinfo
from typing import TYPE_CHECKING

import sql
from ledger import times
from ledger.balances import Balances, Triple
from ledger.types import LogName

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

_QUERIES = sql.load("ledger")


async def sums_after(connection: PoolConnectionProxy, log: LogName, month: str, time_zone: tzinfo) -> Balances:
    """All sums of `log`, those of each month after `month` apart.

    Exact under the head's lock or in one snapshot; otherwise what is appended meanwhile may be counted in part.
    """
    total: dict[Triple, int] = {}
    for account, asset, fund, amount in await connection.fetch(_QUERIES.all_balances, log):
        total[account, asset, fund] = int(amount)
    months: defaultdict[str, dict[Triple, int]] = defaultdict(dict)
    start = await _first_since(connection, log, times.month_start_us(times.month_after(month), time_zone))
    for period, account, asset, fund, amount in await connection.fetch(_QUERIES.balances_after, log, month, start):
        months[period][account, asset, fund] = int(amount)
        total[account, asset, fund] -= int(amount)
    return Balances(total, months)


async def _first_since(connection: PoolConnectionProxy, log: LogName, at_us: int) -> int:
    """The first position whose time is not before `at_us`, by halving: times never go back."""
    low, high = 0, await connection.fetchval("select size from ledger_heads where log = $1", log)
    while low < high:
        middle = (low + high) // 2
        if await connection.fetchval(_QUERIES.time_of, log, middle) < at_us:
            low = middle + 1
        else:
            high = middle
    return low
