"""The types of `public`: what the publisher writes (reference/attacks.md B and C4). Pure data.

Entries that stand for several people have no slots, tell no count, and name the floor that they kept; the floor of five
is in the schema, so that a verifier refuses less (attacks A7, B5).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ledger.registry import TypeSpec
from ledger.schema import Spec
from ledger.slots import SlotSpec
from server.domains.giving import outgoing_types

GIFT_RECEIVED: Final = "giving.gift.received.v1"
GIFT_BATCH_RECEIVED: Final = "giving.gift_batch.received.v1"
FEES_SETTLED: Final = "giving.fees.settled.v1"
REVERSALS_SETTLED: Final = "giving.reversals.settled.v1"
HELP_POOLED: Final = "giving.help.pooled.v1"
HELP_CLEARED: Final = "giving.help.cleared.v1"

PEOPLE_FLOOR: Final = 5
PEOPLE_MAX: Final = 1_000

VIA: Final[Spec] = {"is": "enum", "of": ["bank", "cash", "kind", "processor"]}
_DIGEST: Spec = {"is": "digest"}
_FLOOR: Spec = {"is": "int", "max": PEOPLE_MAX, "min": PEOPLE_FLOOR}
_OF_PAYERS: Mapping[str, Spec] = {"lines": _DIGEST, "payers_min": _FLOOR}
_OF_PEOPLE: Mapping[str, Spec] = {"lines": _DIGEST, "people_min": _FLOOR}
_GIFT_SLOTS = (
    SlotSpec("nonce", "identity"),
    SlotSpec("books_entry", "audit"),
    SlotSpec("giver", "identity"),
    SlotSpec("dedication", "identity"),
    SlotSpec("employer", "identity"),
    SlotSpec("campaign", "identity"),
    SlotSpec("note", "identity"),
    SlotSpec("request", "audit"),
)
_SPENDING_SLOTS = (
    SlotSpec("nonce", "identity"),
    SlotSpec("books_entry", "audit"),
    SlotSpec("vendor", "audit"),
    SlotSpec("invoice", "audit"),
    SlotSpec("approvers", "audit"),
    SlotSpec("reason", "audit"),
    SlotSpec("note", "identity"),
    SlotSpec("request", "audit"),
)

TYPES: Final = (
    TypeSpec(GIFT_RECEIVED, {"via": VIA}, "some", _GIFT_SLOTS, "none"),
    TypeSpec(GIFT_BATCH_RECEIVED, _OF_PAYERS, "some"),
    TypeSpec(FEES_SETTLED, {}, "some"),
    TypeSpec(REVERSALS_SETTLED, _OF_PAYERS, "some"),
    TypeSpec(outgoing_types.FLOAT_SET, {}, "some", (), "none", ("spendable",)),
    TypeSpec(HELP_POOLED, _OF_PEOPLE, "some"),
    TypeSpec(HELP_CLEARED, {}, "some", (), "must"),
    TypeSpec(outgoing_types.SPENDING_PAID, {"vendor": {"is": "slug", "need": "may"}}, "some", _SPENDING_SLOTS),
    TypeSpec(outgoing_types.PAYOUT_MADE, {"amount": {"is": "amount"}, "asset": {"is": "asset"}}),
)
