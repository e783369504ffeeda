"""The publisher: a projection of `books` whose effect is appending to `public`.

One pass reads the next entries of `books`, lets the policy decide, and appends what is to be told together with the
tracking position, in one transaction of `public` (design/ledger.md 1). A crash before COMMIT leaves both as they were;
a crash after it has moved both. Two publishers cannot both succeed: the position moves by compare-and-swap.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from ledger import canonical
from ledger.errors import RejectedByDatabase
from ledger.types import Companion, Draft, StoredEntry
from server.publishing.decide import NotPublished, Publication, Waiting, decide
from server.publishing.policy import Changes
from server.publishing.telling import Telling

COMPANION = "publishing.advance"
ENTRIES_PER_PASS_MAX = 256
BYTES_PER_PASS_MAX = 1024 * 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Publisher(Telling):
    """Passes the entries of `books` in their order: told now, left waiting, or never told."""

    async def step(self) -> int:
        """Pass the next entries of `books`; return how many were passed (0: nothing new).

        Raises ledger.errors.Unavailable when `public` cannot be appended to now; nothing is lost, call again later.
        """
        start: int = await self.pool.fetchval(self.queries.publisher_next)
        entries = await self.books.entries(start, ENTRIES_PER_PASS_MAX, bytes_max=BYTES_PER_PASS_MAX)
        if not entries:
            return 0
        drafts, waiting = await self._decide(entries, await self.policies())
        end = entries[-1].position + 1
        try:
            await self._pass(start, end, drafts, waiting)
        except RejectedByDatabase as error:
            _log.info("another publisher was faster at %d: %s", start, error)
            return 0
        return end - start

    async def _decide(
        self, entries: Sequence[StoredEntry], policies: Changes
    ) -> tuple[list[Draft], list[dict[str, object]]]:
        drafts: list[Draft] = []
        waiting: list[dict[str, object]] = []
        slots = await self.books.slots([stored.position for stored in entries])
        for stored in entries:
            if not stored.type.startswith("giving."):
                continue
            entry = canonical.parse_entry(stored.bytes)
            match decide(entry, policies.in_force(entry.period)):
                case Publication() as publication:
                    drafts.append(self.draft(publication, stored, slots.get(stored.position)))
                case Waiting(kind):
                    waiting.append({"position": stored.position, "kind": kind, "at_us": stored.at_us})
                case NotPublished():
                    pass
        return drafts, waiting

    async def _pass(self, start: int, end: int, drafts: list[Draft], waiting: list[dict[str, object]]) -> None:
        if drafts:
            await self.append(drafts, Companion(COMPANION, {"from": start, "to": end, "waiting": waiting}))
        else:
            await self.note(self.queries.publisher_advance, start, end, orjson.dumps(waiting).decode())
