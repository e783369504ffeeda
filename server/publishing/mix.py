"""What waits for company rather than for its month: quiet gifts, money set aside, and pooled help to be cleared."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from ledger import canonical, times
from ledger.errors import GuardRefused, RejectedByDatabase
from ledger.reader import LogReader
from ledger.types import Companion, Draft
from server.publishing import monthly, quiet, waiting
from server.publishing.decide import gift
from server.publishing.quiet import Quiet
from server.publishing.telling import TOLD, Telling

POLL_INTERVAL_S: Final = 20.0
FLOATS_MAX: Final = 64
CLEARS_MAX: Final = 64

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mix(Telling):
    """Tells what may be told now. `random` gives that many random bytes; `public_reader` reads `public`."""

    public_reader: LogReader
    random: Callable[[int], bytes]

    async def step(self) -> int:
        """Tell the quiet gifts that have company, floats that are covered, help that is cleared; how many entries.

        Raises ledger.errors.Unavailable when `public` cannot be appended to now; call again later.
        """
        return await self._quiet() + await self._floats() + await self._clear()

    async def _quiet(self) -> int:
        found = await waiting.read(self, ("quiet",), waiting.EVER, quiet.FLUSH_MAX)
        facts = await waiting.facts(self, found)
        gifts = [Quiet(one.stored.position, one.stored.at_us, fact.who) for one, fact in zip(found, facts, strict=True)]
        policies = await self.policies()
        payers_min = policies.in_force(times.month(self.clock(), self.time_zone)).payers_min
        order = quiet.flush(gifts, self.clock(), self.random, payers_min)
        by_position = {one.stored.position: one for one in found}
        drafts = []
        for position in order:
            one = by_position[position]
            drafts.append(self.draft(gift(one.entry, policies.in_force(one.entry.period)), one.stored, one.sealed))
        return await self._tell(drafts, order, [])

    async def _floats(self) -> int:
        """Public money moves aside only when there is as much: what is not published yet is not spendable (C3, B5)."""
        count = 0
        policies = await self.policies()
        for one in await waiting.read(self, ("float",), waiting.EVER, FLOATS_MAX):
            publication = monthly.float_set(one.entry, policies.in_force(one.entry.period))
            if publication is None:
                continue
            try:
                count += await self._tell([self.summary(publication)], [one.entry.position], [])
            except GuardRefused:
                _log.info("money set aside at %d of books waits until it is there in public", one.entry.position)
        return count

    async def _clear(self) -> int:
        rows = await self.pool.fetch(self.queries.batches_to_clear, CLEARS_MAX)
        month = times.month(self.clock(), self.time_zone)
        count = 0
        for row in rows:
            [pooled] = await self.public_reader.entries(row["position"], 1)
            draft = self.summary(monthly.cleared(canonical.parse_entry(pooled.bytes), month))
            count += await self._tell([replace(draft, refers_to=(pooled.position,))], [], [pooled.position])
        return count

    async def _tell(self, drafts: list[Draft], positions: list[int], clears: list[int]) -> int:
        if not drafts:
            return 0
        try:
            payload = {"positions": positions, "batches": [], "clears": clears}
            await self.append(drafts, Companion(TOLD, payload))
        except RejectedByDatabase as error:
            _log.info("another process was faster: %s", error)
            return 0
        return len(drafts)
