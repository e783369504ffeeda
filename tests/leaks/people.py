"""Who gives in the simulated year, and what the provider tells of it: every word of it private, none found by chance.

Names are made of syllables that no program writes, hidden amounts and true fees have ten and nine digits: a number or
word of them that shows anywhere has leaked. Pure; the same seed is the same year.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal

import orjson

from server.simulators.stripe import shapes
from server.simulators.stripe.shapes import Card, Ids, Payment, Person, Settlement
from tests.leaks.disguises import Private

Visibility = Literal["live", "quiet", "hidden"]

_SYLLABLES: Final = ["zho", "qva", "xeu", "kjö", "wru", "ðal", "ñiq", "ygg", "phlo", "tszi", "bvø", "ĵux"]
_ODD_NAMES: Final = (
    "{} {}",
    "{} O'{}",
    "<b>{}</b> {}",
    '=HYPERLINK("{}";{})',
    "{}\t{}",
    "{} & {}",
    "\u202e{} {}",
    "{} 😀 {}",
    "Dr. {}, née {}",
    "{{{}}} %s {}",
)
_FUNDS: Final = ("general", "rent", "transport", "tech", "")
_CARDS: Final = (("visa", "US"), ("amex", "US"), ("mastercard", "DE"), ("visa", "GB"))
_LETTERS: Final = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Giver:
    """One person as the provider knows them."""

    name: str
    email: str
    line1: str
    city: str
    postal_code: str
    phone: str
    customer: str

    def privates(self) -> Iterator[Private]:
        """All of it, and the words of the name by themselves."""
        yield Private("name", self.name)
        yield from (Private("name", word) for word in self.name.split() if len(word.encode()) > 7 and word.isalpha())
        yield Private("e-mail", self.email)
        yield Private("e-mail", self.email.partition("@")[0])
        yield from (Private("address", text) for text in (self.line1, self.city, self.postal_code, self.phone))
        yield Private("customer", self.customer, is_exact=True)


@dataclass(frozen=True, slots=True)
class Given:
    """One gift: who gave what and how, and what the provider says of it before and after."""

    giver: Giver
    payment: Payment
    settlement: Settlement
    visibility: Visibility
    fingerprint: str
    refunded: int = 0
    disputed: bool = False

    def privates(self) -> Iterator[Private]:
        """What nobody outside may learn of this gift."""
        ids = self.payment.ids
        named = {
            "payment intent": ids.payment_intent,
            "charge": ids.charge,
            "balance transaction": ids.balance_transaction,
            "payment method": ids.payment_method,
            "card": self.fingerprint,
            "nonce": self.payment.metadata["nonce"],
        }
        for kind, text in named.items():
            assert text is not None
            yield Private(kind, text, is_exact=True)
            yield Private(kind, text.rpartition("_")[2], is_exact=True)
        yield Private("note", self.payment.metadata["note"])
        yield Private("true fee", self.settlement.fee)
        if self.refunded:
            yield Private("refund", self.refunded)
        if self.visibility == "hidden":
            yield Private("hidden amount", self.payment.amount)

    def charge(self, *, settled: bool = True) -> dict[str, Any]:
        """The provider's charge, with everything it knows of its giver."""
        charge = shapes.charge(self.payment, settled=settled)
        charge["billing_details"]["address"] |= {"line1": self.giver.line1, "city": self.giver.city}
        charge["billing_details"]["phone"] = self.giver.phone
        charge["payment_method_details"]["card"]["fingerprint"] = self.fingerprint
        return charge

    def movement(self) -> dict[str, Any]:
        """The movement on the account, with the true fee."""
        return shapes.balance_transaction(self.payment.ids, self.settlement, self.payment.created)

    def notices(self, dice: Random) -> list[bytes]:
        """What the provider sends, in the order it happens to come."""
        intent = shapes.payment_intent(self.payment, succeeded=True)
        told = [("payment_intent.succeeded", intent), ("charge.succeeded", self.charge())]
        dice.shuffle(told)
        return [self._event(kind, thing, dice) for kind, thing in told]

    def later_notices(self, dice: Random) -> list[bytes]:
        """Refund and dispute, where there is one."""
        told: list[bytes] = []
        if self.refunded:
            thing = self.charge() | {"amount_refunded": self.refunded, "refunded": False}
            told.append(self._event("charge.refunded", thing, dice))
        if self.disputed:
            thing = {"id": f"du_{_id(dice)}", "object": "dispute", "amount": self.payment.amount}
            thing |= {"charge": self.payment.ids.charge, "payment_intent": self.payment.ids.payment_intent}
            thing |= {"currency": "usd", "reason": "fraudulent", "status": "needs_response"}
            told.append(self._event("charge.dispute.created", thing, dice))
        return told

    def _event(self, kind: str, thing: dict[str, Any], dice: Random) -> bytes:
        return orjson.dumps(shapes.event(f"evt_{_id(dice)}", kind, thing, self.payment.created))


class People:
    """An endless supply of odd people and their gifts; a third of the gifts come from somebody who gave before."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)  # noqa: S311 - a year repeatable on purpose; nothing secret
        self.known: list[Giver] = []

    def gift(self, created_s: int, visibility: Visibility) -> Given:
        """The next gift, at this moment."""
        dice = self.dice
        if self.known and dice.random() < 1 / 3:
            giver = dice.choice(self.known)
        else:
            self.known.append(giver := self.stranger())
        amount = dice.randrange(10**9, 10**10) if visibility == "hidden" else 10**9 + dice.randrange(10**6) * 100
        metadata = {"visibility": visibility, "nonce": _id(dice), "note": f"for {odd_word(dice)} and {odd_word(dice)}"}
        if fund := dice.choice(_FUNDS):
            metadata["fund"] = fund
        brand, country = dice.choice(_CARDS)
        made = (f"{prefix}_{_id(dice)}" for prefix in ("pi", "ch", "txn", "pm"))
        ids = Ids(*made, giver.customer)
        person = Person(giver.name, giver.email, giver.postal_code, country)
        payment = Payment(ids, amount, "usd", metadata, person, Card(brand, country, "credit", "4242"), created_s)
        return Given(
            giver,
            payment,
            Settlement(amount, "usd", dice.randrange(10**8, 10**9)),
            visibility,
            _id(dice),
            dice.randrange(10**8, 10**9) if dice.random() < 0.1 else 0,
            dice.random() < 0.05,
        )

    def stranger(self) -> Giver:
        """Somebody who has not been seen before."""
        dice = self.dice
        given, family = odd_word(dice), odd_word(dice)
        plain = "".join(letter for letter in f"{given}.{family}" if letter.isascii())
        return Giver(
            name=dice.choice(_ODD_NAMES).format(given.title(), family.title()),
            email=f"{plain.title()}+{odd_word(dice)}{dice.randrange(10, 99)}@example.org",
            line1=f"{dice.randrange(1, 999)} {odd_word(dice)} street",
            city=odd_word(dice),
            postal_code=f"{odd_word(dice)[:3].upper()} {dice.randrange(10**8, 10**9)}",
            phone=f"+1-555-{dice.randrange(10**8, 10**9)}",
            customer=f"cus_{_id(dice)}",
        )


def odd_word(dice: Random) -> str:
    """A word that no program writes by chance."""
    return "".join(dice.choices(_SYLLABLES, k=4))


def _id(dice: Random) -> str:
    return "".join(dice.choices(_LETTERS, k=24))
