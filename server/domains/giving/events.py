"""What giving writes: the types of its events, their closed schemas and slots, and how each is built. Pure.

Postings of `books`: debits positive; the gift is the private owner of each of them (design/operations.md "Gift rules").
What happens to the money afterwards is in `outgoing`; what the publisher writes is declared in `published`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from ledger import canonical
from ledger import postings as settlement
from ledger.grammar import encode_base64
from ledger.registry import TypeSpec
from ledger.schema import Spec
from ledger.slots import SlotSpec
from ledger.types import Data, Entry, OwnedPosting
from ledger.upcast import Upcasts
from server.domains.giving import outgoing_types, published
from server.domains.giving.commands import ReceiveGift, RecordFee

GIFT_RECEIVED: Final = "giving.gift.received.v1"
GIFT_SUSPENDED: Final = "giving.gift.suspended.v1"
FEE_RECORDED: Final = "giving.fee.recorded.v1"

PENDING: Final = "assets:stripe:pending"
SUSPENSE: Final = "assets:suspense"
GIFTS_UNRESTRICTED: Final = "income:gifts:unrestricted"
GIFTS_RESTRICTED: Final = "income:gifts:restricted"
PROCESSING_FEES: Final = "expenses:fees:processing"
GENERAL: Final = "general"

_VISIBILITY: Spec = {"is": "enum", "of": ["hidden", "live", "quiet"]}
_BEARER: Spec = {"is": "enum", "of": ["charity", "giver"]}
_DATE: Spec = {"is": "date"}
_GIFT_DATA: Mapping[str, Spec] = {
    "effective_on": _DATE,
    "fee_borne_by": _BEARER,
    "via": published.VIA,
    "visibility": _VISIBILITY,
}
_GIFT_SLOTS = (
    SlotSpec("nonce", "identity"),
    SlotSpec("owners", "audit"),
    SlotSpec("giver", "identity"),
    SlotSpec("contact", "identity"),
    SlotSpec("provider_objects", "audit"),
    SlotSpec("method", "identity"),
    SlotSpec("note", "identity"),
    SlotSpec("request", "audit"),
)
_FEE_SLOTS = (
    SlotSpec("nonce", "identity"),
    SlotSpec("owners", "audit"),
    SlotSpec("balance_transaction", "audit"),
    SlotSpec("fee_details", "audit"),
    SlotSpec("exchange_rate", "audit"),
    SlotSpec("source", "audit"),
    SlotSpec("note", "identity"),
    SlotSpec("request", "audit"),
)

UPCASTS: Final = Upcasts()
"""From older versions of giving's types to the newest; none has two yet."""

BOOKS_TYPES: Final = (
    TypeSpec(GIFT_RECEIVED, _GIFT_DATA, "some", _GIFT_SLOTS, "none"),
    TypeSpec(
        GIFT_SUSPENDED, {**_GIFT_DATA, "reason": {"is": "enum", "of": ["fund_unknown"]}}, "some", _GIFT_SLOTS, "none"
    ),
    TypeSpec(FEE_RECORDED, {"borne_by": _BEARER, "effective_on": _DATE}, "some", _FEE_SLOTS, "must"),
    *outgoing_types.TYPES,
)
PUBLIC_TYPES: Final = published.TYPES


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that a decision wants written. `slots` are the private values, not yet sealed."""

    type: str
    data: Data
    postings: tuple[OwnedPosting, ...]
    slots: Mapping[str, object] = field(default_factory=dict)
    refers_to: tuple[int, ...] = ()


def read(data: bytes) -> Entry:
    """A stored entry in the newest version of its type, whenever it was written."""
    return UPCASTS.apply(canonical.parse_entry(data))


def gift_received(command: ReceiveGift, fund: str, *, restricted: bool, effective_on: date, owner: bytes) -> NewEvent:
    """A gift whose purpose is known: it is income of that fund at once, gross."""
    income = GIFTS_RESTRICTED if restricted else GIFTS_UNRESTRICTED
    postings = _money(command, fund, income, owner)
    slots = {**command.private, "owners": owners(postings)}
    return NewEvent(GIFT_RECEIVED, _gift_data(command, effective_on), postings, slots)


def gift_suspended(command: ReceiveGift, *, effective_on: date, owner: bytes) -> NewEvent:
    """A gift for a fund that we do not have: it waits in suspense for a person. What was asked for is private."""
    postings = _money(command, GENERAL, SUSPENSE, owner)
    data = {**_gift_data(command, effective_on), "reason": "fund_unknown"}
    note = {"fund": command.fund, "note": command.private.get("note", "")}
    slots = {**command.private, "note": note, "owners": owners(postings)}
    return NewEvent(GIFT_SUSPENDED, data, postings, slots)


def fee_recorded(  # noqa: PLR0913 - each says one thing about the fee, by name
    command: RecordFee, fund: str, *, borne_by: str, effective_on: date, gift_position: int, owner: bytes
) -> NewEvent:
    """What the provider kept of a gift, borne by `fund`."""
    postings = (
        OwnedPosting(PROCESSING_FEES, command.asset, fund, command.fee_minor, owner),
        OwnedPosting(PENDING, command.asset, fund, -command.fee_minor, owner),
    )
    return NewEvent(
        type=FEE_RECORDED,
        data={"borne_by": borne_by, "effective_on": effective_on.isoformat()},
        postings=postings,
        slots={**command.private, "balance_transaction": command.balance_transaction, "owners": owners(postings)},
        refers_to=(gift_position,),
    )


def owners(postings: tuple[OwnedPosting, ...]) -> list[list[object]]:
    """The slot that says who owns what of each settled posting: `[[index, owner, amount], …]`."""
    _, splits = settlement.settle(postings)
    return [[index, encode_base64(owner), str(amount)] for index, owner, amount in splits]


def _gift_data(command: ReceiveGift, effective_on: date) -> dict[str, object]:
    return {
        "effective_on": effective_on.isoformat(),
        "fee_borne_by": "giver" if command.cover_fees else "charity",
        "via": command.via,
        "visibility": command.visibility,
    }


def _money(command: ReceiveGift, fund: str, counter_account: str, owner: bytes) -> tuple[OwnedPosting, ...]:
    return (
        OwnedPosting(PENDING, command.asset, fund, command.amount_minor, owner),
        OwnedPosting(counter_account, command.asset, fund, -command.amount_minor, owner),
    )
