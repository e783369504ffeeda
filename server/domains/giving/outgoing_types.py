"""The types of `books` for money after it was given: settled, paid back, set aside, paid out. Pure data.

Decisions name the guards that they may not break; what a provider or a bank reports is a fact and names none (C2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ledger.registry import TypeSpec
from ledger.schema import Spec
from ledger.slots import SlotSpec

GIFT_SETTLED: Final = "giving.gift.settled.v1"
REFUND_RECORDED: Final = "giving.refund.recorded.v1"
DISPUTE_RECORDED: Final = "giving.dispute.recorded.v1"
FLOAT_SET: Final = "giving.float.set.v1"
HELP_PAID: Final = "giving.help.paid.v1"
HELP_RETURNED: Final = "giving.help.returned.v1"
SPENDING_PAID: Final = "giving.spending.paid.v1"
PAYOUT_MADE: Final = "giving.payout.made.v1"

HELD: Final = "held"
FLOAT_HELP: Final = "float_help"

_DATE: Spec = {"is": "date"}
_WHEN: Mapping[str, Spec] = {"effective_on": _DATE}
_MOVED_SLOTS = (
    SlotSpec("nonce", "identity"),
    SlotSpec("owners", "audit"),
    SlotSpec("provider_objects", "audit"),
    SlotSpec("balance_transaction", "audit"),
    SlotSpec("approvers", "audit"),
    SlotSpec("reason", "audit"),
    SlotSpec("note", "identity"),
    SlotSpec("request", "audit"),
)
_PAID_SLOTS = (
    SlotSpec("nonce", "identity"),
    SlotSpec("owners", "audit"),
    SlotSpec("person", "identity"),
    SlotSpec("vendor", "audit"),
    SlotSpec("invoice", "audit"),
    SlotSpec("approvers", "audit"),
    SlotSpec("note", "identity"),
    SlotSpec("request", "audit"),
)
_OUTCOME: Spec = {"is": "enum", "of": ["lost", "opened", "won"]}
_YES_NO: Spec = {"is": "enum", "of": ["no", "yes"]}

TYPES: Final = (
    TypeSpec(GIFT_SETTLED, _WHEN, "some", _MOVED_SLOTS, "must"),
    TypeSpec(REFUND_RECORDED, _WHEN, "some", _MOVED_SLOTS, "must"),
    TypeSpec(DISPUTE_RECORDED, {**_WHEN, "outcome": _OUTCOME}, "some", _MOVED_SLOTS, "must"),
    TypeSpec(FLOAT_SET, _WHEN, "some", _MOVED_SLOTS, "none", (HELD,)),
    TypeSpec(HELP_PAID, _WHEN, "some", _PAID_SLOTS, "none", (FLOAT_HELP,)),
    TypeSpec(HELP_RETURNED, _WHEN, "some", _PAID_SLOTS, "must"),
    TypeSpec(SPENDING_PAID, {**_WHEN, "vendor_named": _YES_NO}, "some", _PAID_SLOTS, "none", (HELD,)),
    TypeSpec(PAYOUT_MADE, _WHEN, "some", _MOVED_SLOTS),
)
