"""The publisher: a projection of `books` whose effect is appending to `public`.

One pass reads the next entries of `books`, lets the policy decide, and appends what is to be told together with the
tracking position, in one transaction of `public` (design/ledger.md 1). A crash before COMMIT leaves both as they were;
a crash after it has moved both. Two publishers cannot both succeed: the position moves by compare-and-swap.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

import orjson

from ledger import canonical
from ledger.errors import InvalidCommand, RejectedByDatabase
from ledger.grammar import encode_base64
from ledger.types import Appended, Command, Companion, Draft, StoredEntry
from server.publishing import policy as policy_rules
from server.publishing.policy import NotPublished, Policy, Publication, Waiting

if TYPE_CHECKING:
    import asyncpg

    from ledger.reader import LogReader
    from ledger.registry import Registry
    from ledger.types import SealedSlots
    from server.vault import Vault
    from sql import Queries

COMPANION = "publishing.advance"
ENTRIES_PER_PASS_MAX = 256
BYTES_PER_PASS_MAX = 1024 * 1024

_log = logging.getLogger(__name__)


class Appender(Protocol):
    """The writer of `public`."""

    async def append(self, command: Command) -> Appended:
        """Append as `ledger.store.Writer` does."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Everything a pass needs. `books` and `queries` read on `pool`; `public` appends; `clock` gives µs since 1970."""

    pool: asyncpg.Pool
    queries: Queries
    books: LogReader
    books_origin: str
    books_registry: Registry
    public: Appender
    public_origin: str
    public_registry: Registry
    time_zone: ZoneInfo
    vault: Vault
    clock: Callable[[], int]

    async def step(self) -> int:
        """Pass the next entries of `books`; return how many were passed (0: nothing new).

        Raises ledger.errors.Unavailable when `public` cannot be appended to now; nothing is lost, call again later.
        """
        start: int = await self.pool.fetchval(self.queries.publisher_next)
        entries = await self.books.entries(start, ENTRIES_PER_PASS_MAX, bytes_max=BYTES_PER_PASS_MAX)
        if not entries:
            return 0
        policy = Policy.from_data(await self._policy())
        drafts, waiting = await self._decide(entries, policy)
        end = entries[-1].position + 1
        try:
            await self._pass(start, end, drafts, waiting)
        except RejectedByDatabase as error:
            _log.info("another publisher was faster at %d: %s", start, error)
            return 0
        return end - start

    async def _policy(self) -> dict[str, Any]:
        row = await self.pool.fetchval(self.queries.policy_in_force)
        data: dict[str, Any] = orjson.loads(orjson.loads(row)["policy"])
        return data

    async def _decide(
        self, entries: Sequence[StoredEntry], policy: Policy
    ) -> tuple[list[Draft], list[dict[str, object]]]:
        drafts: list[Draft] = []
        waiting: list[dict[str, object]] = []
        slots = await self.books.slots([stored.position for stored in entries])
        for stored in entries:
            if not stored.type.startswith("giving."):
                continue
            entry = canonical.parse_entry(stored.bytes)
            match policy_rules.decide(entry, policy):
                case Publication() as publication:
                    drafts.append(self._draft(stored, publication, slots.get(stored.position)))
                case Waiting(visibility):
                    waiting.append({"position": stored.position, "visibility": visibility, "at_us": stored.at_us})
                case NotPublished():
                    pass
        return drafts, waiting

    def _draft(self, stored: StoredEntry, publication: Publication, sealed: SealedSlots | None) -> Draft:
        return Draft(
            type=publication.type,
            data=publication.data,
            postings=publication.postings,
            period=self._period(publication.period),
            private=self._seal(stored, publication.type, sealed),
        )

    def _seal(self, stored: StoredEntry, type_name: str, sealed: SealedSlots | None) -> SealedSlots:
        """Seal the public entry's slots: the giver's own nonce, and the entry of `books` behind it (attacks A1).

        Under the giver's own keys: one erasure ends what both logs keep of the person.
        """
        spec = self.public_registry.types[type_name]
        values: dict[str, Any] = {"books_entry": encode_base64(stored.leaf_hash)}
        holder = None
        if sealed is not None:
            books_spec = self.books_registry.types[stored.type]
            private = self.vault.open_slots(self.books_origin, books_spec, sealed, sealed.root)
            values |= {name: private[name] for name in ("nonce", "giver") if private.get(name) is not None}
            holder = self.vault.holder_of(sealed)
        return self.vault.seal_slots(self.public_origin, spec, values, holder)

    def _period(self, booked: str) -> str | None:
        """Keep the month of the booking where the rules still allow it; what comes later takes its own month (A11)."""
        now = datetime.fromtimestamp(self.clock() / 1_000_000, UTC).astimezone(self.time_zone)
        before = now.replace(day=1) - timedelta(days=1)
        return booked if booked in {f"{now:%Y-%m}", f"{before:%Y-%m}"} else None

    async def _pass(self, start: int, end: int, drafts: list[Draft], waiting: list[dict[str, object]]) -> None:
        if not drafts:
            await self.pool.execute(self.queries.publisher_advance, start, end, orjson.dumps(waiting).decode())
            return
        companion = Companion(COMPANION, {"from": start, "to": end, "waiting": waiting})
        try:
            await self.public.append(Command(drafts=tuple(drafts), companion=companion))
        except InvalidCommand as error:
            if error.code != "period-closed":
                raise
            undated = tuple(_without_period(draft) for draft in drafts)
            await self.public.append(Command(drafts=undated, companion=companion))


def _without_period(draft: Draft) -> Draft:
    return Draft(type=draft.type, data=draft.data, postings=draft.postings, private=draft.private)
