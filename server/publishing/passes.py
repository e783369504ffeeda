"""The monthly passes: once a month and kind, what waits is told in sums, or known to wait on.

Four passes in order: hidden gifts, fees, reversals, help. Each is one append whose companion takes the facts out of
those that wait and marks the pass done, so a crash leaves both as they were, and of two processes one is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from ledger import times
from ledger.errors import RejectedByDatabase
from ledger.grammar import encode_base64
from ledger.reader import LogReader
from ledger.types import Companion, Draft
from server.publishing import lines, monthly, waiting
from server.publishing.monthly import Owed, Told
from server.publishing.policy import Changes
from server.publishing.telling import TOLD, Telling

KINDS: Final = ("hidden", "fee", "reversal", "help")
AFTER_US: Final = 3 * 24 * 3_600_000_000
"""A month is told from the fourth day after it: what belongs to it is booked by then, and it closes a day later."""
FACTS_MAX: Final = 65_536
"""Facts of one pass; of more, the oldest: the rest waits for the next month."""
POLL_INTERVAL_S: Final = 60.0
_SPENDABLE: Final = ("assets:cash", "liabilities:accrued_fees", "liabilities:due_to_general")
_ROWS_MAX: Final = 2 * len(KINDS)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """The pass to make now; `owed` is what the one of its kind before left of rounded fees."""

    month: str
    kind: str
    owed: Owed


@dataclass(frozen=True, slots=True)
class MonthlyPasses(Telling):
    """Makes the passes that are due. `random` gives that many random bytes; `public_reader` reads `public`."""

    public_reader: LogReader
    random: Callable[[int], bytes]

    async def step(self) -> int:
        """Make the oldest pass that is due; 0 when none is, or when another process made it.

        Raises ledger.errors.Unavailable when `public` cannot be appended to now; call again later.
        """
        due = await self._due()
        if due is None:
            return 0
        kinds = ("hidden", "fee") if due.kind == "hidden" else (due.kind,)
        found = await waiting.read(self, kinds, due.month, FACTS_MAX)
        told, owed = await self._decide(due, await waiting.facts(self, found))
        try:
            await self._tell(due, told, owed)
        except RejectedByDatabase as error:
            _log.info("another process told %s of %s: %s", due.kind, due.month, error)
            return 0
        _log.info("%s of %s is told in %d entries", due.kind, due.month, len(told))
        return 1

    async def is_done(self, month: str) -> bool:
        """Whether every pass of the month is done, so that it may be closed."""
        return month < (await self._next(await self._rows()))[0]

    async def _rows(self) -> list[Any]:
        rows: list[Any] = await self.pool.fetch(self.queries.passes, _ROWS_MAX)
        return rows

    async def _next(self, rows: Sequence[Any]) -> tuple[str, str]:
        """(month, kind) of the next pass, due or not."""
        if not rows:
            first = (await self.public_reader.entries(0, 1))[0]
            return times.month(first.at_us, self.time_zone), KINDS[0]
        month: str = rows[0]["month"]
        done = {row["kind"] for row in rows if row["month"] == month}
        missing = [kind for kind in KINDS if kind not in done]
        return (month, missing[0]) if missing else (times.month_after(month), KINDS[0])

    async def _due(self) -> Due | None:
        rows = await self._rows()
        month, kind = await self._next(rows)
        due_us = times.month_start_us(times.month_after(month), self.time_zone) + AFTER_US
        if self.clock() < due_us or not await self._has_passed(due_us):
            return None
        newest = next((row["owed"] for row in rows if row["kind"] == kind), "[]")
        return Due(month, kind, {(account, fund, asset): int(n) for account, fund, asset, n in orjson.loads(newest)})

    async def _has_passed(self, due_us: int) -> bool:
        """Whether the publisher has passed every entry of `books` from before that moment."""
        position: int = await self.pool.fetchval(self.queries.publisher_next)
        following = await self.books.entries(position, 1)
        return not following or following[0].at_us >= due_us

    async def _decide(self, due: Due, facts: Sequence[monthly.Fact]) -> tuple[list[Told], Owed]:
        policies: Changes = await self.policies()
        policy = policies.in_force(due.month)
        match due.kind:
            case "hidden":
                gifts = [fact for fact in facts if fact.gift is None]
                fees = [fact for fact in facts if fact.gift is not None]
                return monthly.hidden(gifts, fees, policy, due.owed, due.month)
            case "fee":
                return monthly.fees(facts, policies, due.owed, due.month)
            case "reversal":
                rows = await self.pool.fetch(self.queries.public_balances, list(_SPENDABLE))
                spendable = {(row["fund"], row["asset"]): int(row["amount"]) for row in rows}
                return monthly.reversals(facts, policy, spendable, due.month), {}
        return monthly.help_to_people(facts, policy, due.month), {}

    async def _tell(self, due: Due, told: Sequence[Told], owed: Owed) -> None:
        drafts: list[Draft] = []
        batches = []
        for offset, one in enumerate(told):
            draft = self.summary(one.publication)
            if one.lines:
                made = lines.build(one.lines, self.random)
                draft = replace(draft, data={**draft.data, "lines": encode_base64(made.root)})
                leaves = [encode_base64(value) for value in made.values]
                batches.append({"offset": offset, "leaves": leaves, "cleared": due.kind != "help"})
            drafts.append(draft)
        payload = {
            "positions": [position for one in told for position in one.positions],
            "batches": batches,
            "clears": [],
            "month": due.month,
            "kind": due.kind,
            "owed": [[*place, str(amount)] for place, amount in sorted(owed.items()) if amount],
        }
        if drafts:
            await self.append(drafts, Companion(TOLD, payload))
        else:
            await self.note(self.queries.tell_nothing, orjson.dumps(payload).decode())
