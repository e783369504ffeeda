"""Who gave: the person whose keys a gift is sealed under, as keyed hashes of what the provider knows. Pure.

The provider's customer comes first, then the e-mail address. Of a gift by nobody known, the payment is a subject of its
own, so that it too can be erased (design/ledger.md 3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from server.payments.translate import Gift
from server.vault.subjects import Subject

PURPOSE = "subject"
KeyedHash = Callable[[str, str], bytes]


def giver(gift: Gift, keyed_hash: KeyedHash) -> Subject:
    """Return whom the gift is about. `keyed_hash(purpose, value)` is the vault's."""
    customer = _text(gift.command.private.get("giver"), "customer")
    email = _text(gift.command.private.get("contact"), "email")
    names = []
    if customer:
        names.append(customer_name(customer, keyed_hash))
    if email:
        names.append(email_name(email, keyed_hash))
    if not names:
        names.append(keyed_hash(PURPOSE, f"stripe-payment:{gift.payment}"))
    return Subject(names[0], tuple(names[1:]))


def customer_name(customer: str, keyed_hash: KeyedHash) -> bytes:
    """Return the name of the provider's customer."""
    return keyed_hash(PURPOSE, f"stripe-customer:{customer}")


def email_name(email: str, keyed_hash: KeyedHash) -> bytes:
    """Return the name of an e-mail address; capitals and spaces around it make no other person."""
    return keyed_hash(PURPOSE, f"email:{email.strip().casefold()}")


def _text(value: object, name: str) -> str | None:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else None
