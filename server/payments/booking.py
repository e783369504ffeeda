"""Booking a fact: read its stream, let the slice decide, seal the private parts, append; again if the stream moved on.

No transaction is open while any of this runs (attacks E3). The decision is pure; a lost race costs its salts and no
more, because nothing of it leaves before the append has committed (attacks E10).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ledger.errors import VersionConflict
from ledger.types import Appended, Claim, Command, Companion, Draft, SealedSlots, StoredEntry
from server.domains.giving import events
from server.domains.giving.decide import Decided, Gift, fold
from server.domains.giving.events import BOOKS_TYPES, NewEvent
from server.vault import Holder, Subject

if TYPE_CHECKING:
    from ledger.registry import TypeSpec
    from server.vault import Vault

DECISIONS_MAX = 5
_SPECS: Mapping[str, TypeSpec] = {spec.name: spec for spec in BOOKS_TYPES}

Answer_co = TypeVar("Answer_co", covariant=True)


class Appender(Protocol):
    """The writer of `books`."""

    async def append(self, command: Command) -> Appended:
        """Append as `ledger.store.Writer` does."""


class Streams(Protocol):
    """The reader of `books`."""

    async def stream(self, stream: bytes) -> Sequence[StoredEntry]:
        """Return a stream's entries in the order of their versions."""

    async def slots(self, positions: Sequence[int]) -> Mapping[int, SealedSlots]:
        """Return the sealed slots of those entries that have them, by position."""


@dataclass(frozen=True, slots=True)
class Booked:
    """It is in the books now, at `position`."""

    position: int


@dataclass(frozen=True, slots=True)
class Booking(Generic[Answer_co]):
    """One fact to book: on which stream, how to decide, what else happens in the append's transaction.

    `subject`: whom a stream's first entry is about; where nobody is named, the stream is a subject of its own. What
    follows on the stream is about the same person.
    """

    stream: bytes
    decide: Callable[[Gift], Decided | Answer_co]
    companion: Companion
    claims: tuple[Claim, ...] = ()
    subject: Subject | None = None


@dataclass(frozen=True, slots=True)
class Books:
    """Where facts are booked. `origin` is the log's, to which sealed slots are bound."""

    writer: Appender
    reader: Streams
    vault: Vault
    origin: str

    async def book(self, booking: Booking[Answer_co]) -> Booked | Answer_co:
        """Return where the fact is booked now, or why the slice wanted nothing written.

        Raises ledger.errors: VersionConflict when five decisions in a row were overtaken, ClaimTaken, Unavailable.
        """
        for attempts_left in reversed(range(DECISIONS_MAX)):
            entries = await self.reader.stream(booking.stream)
            decision = booking.decide(fold(events.read(entry.bytes) for entry in entries))
            if not isinstance(decision, Decided):
                return decision
            holder = await self._holder(entries, booking)
            command = Command(
                drafts=(self._draft(decision.event, holder),),
                stream=booking.stream,
                expected_version=len(entries),
                claims=booking.claims,
                companion=booking.companion,
            )
            try:
                return Booked((await self.writer.append(command)).first)
            except VersionConflict:
                if not attempts_left:
                    raise
        raise AssertionError  # pragma: no cover - the loop returns or raises

    async def write(self, event: NewEvent, subject: Subject | None = None, claims: tuple[Claim, ...] = ()) -> Booked:
        """Book a decision that stands alone, such as help that is paid; `subject` is whom it is about.

        Raises ledger.errors: GuardRefused when the money is not there, ClaimTaken, Unavailable. ValueError for an event
        that says something of a person and names none: nobody could erase that.
        """
        if subject is None and (told := _of_person(event)):
            raise ValueError(f"{event.type} tells {told[0]} of somebody: name the subject")
        holder = None if subject is None else await self.vault.hold(subject)
        return Booked((await self.writer.append(Command((self._draft(event, holder),), claims=claims))).first)

    async def _holder(self, entries: Sequence[StoredEntry], booking: Booking[Answer_co]) -> Holder | None:
        """Return the keys of whom it is about, durable before anything is sealed under them (attacks D2)."""
        if not entries:
            return await self.vault.hold(booking.subject or Subject(self.vault.keyed_hash("stream", booking.stream)))
        first = entries[0].position
        sealed = (await self.reader.slots([first])).get(first)
        return None if sealed is None else self.vault.holder_of(sealed)

    def _draft(self, event: NewEvent, holder: Holder | None) -> Draft:
        return Draft(
            type=event.type,
            data=event.data,
            postings=event.postings,
            private=self.vault.seal_slots(self.origin, _SPECS[event.type], event.slots, holder),
            refers_to=event.refers_to,
        )


def _of_person(event: NewEvent) -> list[str]:
    """The slots that say something of a person, and are erased with the identity."""
    slots = _SPECS[event.type].slots
    return [slot.name for slot in slots if slot.group == "identity" and event.slots.get(slot.name) is not None]
