"""What becomes of the money in a month of the year: help to people, and gifts given back. All of it private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from ledger import canonical
from ledger.types import Command, Draft, OwnedPosting
from server import birth
from server.parts import Parts
from tests.leaks.disguises import Private
from tests.leaks.people import Giver, People, odd_word

FUND: Final = "general"
HELPED: Final = 13
VENDORS: Final = 4
REFUNDS: Final = 2
FLOAT_MINOR: Final = 300_000_000
_CATEGORIES: Final = ("rent", "transport")
_AMOUNTS: Final = (10_000_000, 30_000_000)
_REFUNDED: Final = (100_000_000, 200_000_000)


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment for one person, or one refund (then `person` gave)."""

    amount: int
    person: Giver | None = None
    vendor: str = ""
    invoice: str = ""

    def privates(self) -> Iterator[Private]:
        """What nobody outside may learn of it."""
        yield Private("help amount" if self.person else "refund", self.amount)
        if self.person:
            yield from self.person.privates()
            yield Private("vendor", self.vendor)
            yield Private("invoice", self.invoice, is_exact=True)


class Outgoing:
    """Pays for the same people month after month, to a few vendors."""

    def __init__(self, people: People) -> None:
        self.dice = Random(people.dice.random())  # noqa: S311 - a year repeatable on purpose; nothing secret
        self.helped = [people.stranger() for _ in range(HELPED)]
        self.vendors = [f"{odd_word(self.dice).title()} & Sons Ltd" for _ in range(VENDORS)]
        self.paid: list[Paid] = []

    async def month(self, made: Parts, day: datetime) -> None:
        """Set money aside, pay for everybody, give two gifts back. Nothing where there is no money yet."""
        await _book(
            made, "giving.float.set.v1", _move("assets:float:help", "assets:stripe:pending", FLOAT_MINOR), {}, day
        )
        for index, person in enumerate(self.helped):
            vendor = self.vendors[index % VENDORS]
            amount = self.dice.randrange(*_AMOUNTS)
            one = Paid(amount, person, vendor, f"INV-{self.dice.randrange(10**9, 10**10)}-{odd_word(self.dice)}")
            private = {
                "person": {"id": person.customer, "name": person.name},
                "vendor": {"slug": vendor.partition(" ")[0].lower(), "name": vendor},
                "invoice": {"number": one.invoice},
            }
            category = f"expenses:help:{_CATEGORIES[index % len(_CATEGORIES)]}"
            await _book(made, "giving.help.paid.v1", _move(category, "assets:float:help", amount), private, day)
            self.paid.append(one)
        await self._give_back(made, day)

    async def _give_back(self, made: Parts, day: datetime) -> None:
        stored = await made.readers["books"].entries(0)
        gifts = [canonical.parse_entry(one.bytes) for one in stored if one.type == "giving.gift.received.v1"]
        for gift in self.dice.sample(gifts, min(REFUNDS, len(gifts))):
            one = Paid(self.dice.randrange(*_REFUNDED))
            postings = _move("income:gifts_returned", "assets:stripe:pending", one.amount, gift.postings[0].fund)
            await _book(made, "giving.refund.recorded.v1", postings, {}, day, refers_to=(gift.position,))
            self.paid.append(one)


def _move(debit: str, credit: str, amount: int, fund: str = FUND) -> tuple[OwnedPosting, ...]:
    return (OwnedPosting(debit, "USD/2", fund, amount), OwnedPosting(credit, "USD/2", fund, -amount))


async def _book(  # noqa: PLR0917 - what is booked, where and when
    made: Parts,
    name: str,
    postings: tuple[OwnedPosting, ...],
    private: Mapping[str, object],
    day: datetime,
    refers_to: tuple[int, ...] = (),
) -> None:
    spec = birth.registry("books").types[name]
    sealed = made.vault.seal_slots(made.identities["books"].origin, spec, private)
    data = {"effective_on": f"{day:%Y-%m-%d}"}
    await made.writers["books"].append(Command((Draft(name, data, postings, private=sealed, refers_to=refers_to),)))
