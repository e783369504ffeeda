"""What every way of publishing shares: policies, public entries made of entries of `books`, their append."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

import asyncpg
import orjson

from ledger import times
from ledger.errors import InvalidCommand, RejectedByDatabase
from ledger.grammar import encode_base64, matches_slug
from ledger.types import Appended, Command, Companion, Draft, StoredEntry
from server.publishing.decide import Publication
from server.publishing.policy import Changes

if TYPE_CHECKING:
    from ledger.reader import LogReader
    from ledger.registry import Registry
    from ledger.types import SealedSlots
    from server.vault import Vault
    from sql import Queries

TOLD = "publishing.told"
"""The companion that takes what is told out of what waits (publishing.companions)."""

_CARRIED = ("nonce", "giver", "vendor", "invoice", "approvers")
"""Private values that a public entry's own slots hold too, where its type has them."""


class Appender(Protocol):
    """The writer of `public`."""

    async def append(self, command: Command) -> Appended:
        """Append as `ledger.store.Writer` does."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Everything it takes. `books` and `queries` read on `pool`; `public` appends; `clock` gives µs since 1970."""

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

    async def policies(self) -> Changes:
        """Return every publishing policy of `public`. Raises ValueError or TypeError for one that is not one."""
        rows = await self.pool.fetch(self.queries.policies)
        return Changes.read([orjson.loads(row["data"]) for row in rows])

    def private(self, stored: StoredEntry, sealed: SealedSlots | None) -> Mapping[str, Any]:
        """Return the private values behind an entry of `books`; erased ones are not among them."""
        if sealed is None:
            return {}
        return self.vault.open_slots(self.books_origin, self.books_registry.types[stored.type], sealed, sealed.root)

    def draft(self, publication: Publication, stored: StoredEntry, sealed: SealedSlots | None) -> Draft:
        """Draft the public entry of one entry of `books`; its slots hold that entry's hash (attacks A1).

        They are sealed under the giver's own keys: one erasure ends what both logs keep of the person.
        """
        private = self.private(stored, sealed)
        data = dict(publication.data)
        if publication.names_vendor and (slug := _slug(private.get("vendor"))):
            data["vendor"] = slug
        spec = self.public_registry.types[publication.type]
        values = {"books_entry": encode_base64(stored.leaf_hash)}
        values |= {name: private[name] for name in _CARRIED if private.get(name) is not None}
        names = {slot.name for slot in spec.slots}
        mine = {name: value for name, value in values.items() if name in names}
        holder = None if sealed is None else self.vault.holder_of(sealed)
        slots = self.vault.seal_slots(self.public_origin, spec, mine, holder) if spec.slots else None
        return replace(self.summary(publication), data=data, private=slots)

    def summary(self, publication: Publication) -> Draft:
        """Draft a public entry that stands for many entries of `books`, or for none of them alone."""
        period = self._period(publication.period)
        return Draft(publication.type, publication.data, publication.postings, period)

    async def append(self, drafts: Sequence[Draft], companion: Companion) -> Appended:
        """Append together. Those whose month was closed meanwhile, or is too long ago, are told in this one (A11)."""
        try:
            return await self.public.append(Command(tuple(drafts), companion=companion))
        except InvalidCommand as error:
            if error.code not in {"period-closed", "period-invalid"}:
                raise
            undated = tuple(replace(draft, period=None) for draft in drafts)
            return await self.public.append(Command(undated, companion=companion))

    async def note(self, statement: str, *values: object) -> None:
        """Run a companion's statement alone, where nothing is told. Raises RejectedByDatabase when overtaken."""
        try:
            await self.pool.execute(statement, *values)
        except asyncpg.SerializationError as error:
            raise RejectedByDatabase(str(error)) from error

    def _period(self, booked: str) -> str | None:
        """Keep the month of the booking where the rules still allow it; what comes later takes its own month (A11)."""
        now = times.month(self.clock(), self.time_zone)
        return booked if booked in {now, times.month_before(now)} else None


def _slug(vendor: object) -> str | None:
    """The vendor's public name; None where it has none, or none any more: then the line is told without it."""
    slug = vendor.get("slug") if isinstance(vendor, dict) else None
    return slug if isinstance(slug, str) and matches_slug(slug) else None
