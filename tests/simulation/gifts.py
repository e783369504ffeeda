"""What the outside asks for: gifts, fees and one-off gifts, asked again until somebody says that they are booked."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from ledger.types import Appended, Claim, Command, Draft, Idempotency, OwnedPosting, SealedSlots
from server.domains.giving import events
from server.vault import Vault
from tests.support.logs import origin_of

FUNDS = ("general", "rent", "tech")
SPECS = {spec.name: spec for spec in events.BOOKS_TYPES}


@dataclass(eq=False, slots=True)
class Request:
    """One thing to book. A request with a key is repeated until it is answered; one without is made once.

    `root` is in the bytes of its entry and in no other. `after`: the gift that must be booked before.
    """

    number: int
    amount: int
    fund: str
    visibility: str
    due_s: float
    owner: bytes
    sealed: SealedSlots
    keyed: bool
    after: Request | None = None
    answer: Appended | None = None
    refused: bool = False
    asked: bool = False

    @property
    def settled(self) -> bool:
        """Whether nobody will ask again."""
        return self.answer is not None or self.refused or (self.asked and not self.keyed)

    @property
    def root(self) -> bytes:
        """The private root that its entry carries."""
        return self.sealed.root

    def command(self) -> Command:
        """What is handed to the writer; the same every time."""
        draft = self._fee() if self.after is not None else self._gift()
        if not self.keyed:
            return Command((draft,))
        name = self.number.to_bytes(32, "big")
        if self.after is not None:
            key = Idempotency(name, name)
            return Command((draft,), stream=self.owner, idempotency=key, guards=(f"spendable({self.fund})",))
        claims = (Claim("payment", name),)
        return Command(
            (draft,), stream=self.owner, expected_version=0, idempotency=Idempotency(name, name), claims=claims
        )

    def _gift(self) -> Draft:
        income = events.GIFTS_UNRESTRICTED if self.fund == "general" else events.GIFTS_RESTRICTED
        data = {
            "via": "processor",
            "visibility": self.visibility,
            "fee_borne_by": "giver" if self.number % 2 else "charity",
            "effective_on": "2026-07-25",
        }
        return Draft(events.GIFT_RECEIVED, data, self._postings(events.PENDING, income), private=self.sealed)

    def _fee(self) -> Draft:
        assert self.after is not None
        assert self.after.answer is not None
        data = {"borne_by": "charity", "effective_on": "2026-07-25"}
        postings = self._postings(events.PROCESSING_FEES, events.PENDING)
        refers_to = (self.after.answer.first,)
        return Draft(events.FEE_RECORDED, data, postings, private=self.sealed, refers_to=refers_to)

    def _postings(self, debit: str, credit: str) -> tuple[OwnedPosting, ...]:
        return (
            OwnedPosting(debit, "USD/2", self.fund, self.amount, self.owner),
            OwnedPosting(credit, "USD/2", self.fund, -self.amount, self.owner),
        )


def make(count: int, dice: Random, vault: Vault) -> list[Request]:
    """`count` gifts, a quarter of them without a key, and a fee for a third of the rest: some larger than the fund."""
    made: list[Request] = []
    for _ in range(count):
        gift = _request(len(made), dice, vault, None)
        made.append(gift)
        if gift.keyed and dice.random() < 0.33:
            made.append(_request(len(made), dice, vault, gift))
    return made


def _request(number: int, dice: Random, vault: Vault, after: Request | None) -> Request:
    spec = SPECS[events.FEE_RECORDED if after else events.GIFT_RECEIVED]
    values = {"nonce": f"nonce {number}", "note": f"request {number}"}
    return Request(
        number=number,
        amount=dice.choice((30, 30, 1_000_000)) if after else dice.randrange(100, 5_000),
        fund=after.fund if after else dice.choice(FUNDS),
        visibility=dice.choice(("live", "live", "live", "quiet", "hidden")),
        due_s=dice.random() * 2.0,
        owner=after.owner if after else dice.randbytes(32),
        sealed=vault.seal_slots(origin_of("books"), spec, values),
        keyed=after is not None or dice.random() < 0.75,
        after=after,
    )
