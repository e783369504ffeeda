"""What the audit log says: the types of its events, all with the same private slots, and how each is built. Pure.

The bytes tell only what kind of thing happened, on which log: who did it, for whom and to whom it was about are slots,
because leaves are permanent (attacks D6). Slots about the person concerned are in the group `identity`, what an auditor
needs for as long as the law asks in `audit` (attacks A8, D8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from ledger.grammar import encode_base64
from ledger.registry import TypeSpec
from ledger.schema import Spec
from ledger.slots import Group, SlotSpec
from ledger.types import Data, LogName

OPENING_GIVEN: Final = "audit.opening.given.v1"
EXPORT_GIVEN: Final = "audit.export.given.v1"
ERASURE_REQUESTED: Final = "audit.erasure.requested.v1"
ERASURE_APPROVED: Final = "audit.erasure.approved.v1"
ERASURE_COMPLETED: Final = "audit.erasure.completed.v1"
READ: Final = "audit.access.read.v1"
CHANGED: Final = "audit.access.changed.v1"
REFUSED: Final = "audit.access.refused.v1"

_LOG: Spec = {"is": "enum", "of": ["audit", "books", "public"]}
_GROUP: Spec = {"is": "enum", "of": ["audit", "identity"]}
_COUNT: Spec = {"is": "int", "max": 2**53 - 1, "min": 0}
_WHAT: Mapping[str, Spec] = {"what": {"is": "slug"}}
_SLOTS: Final = (
    SlotSpec("nonce", "identity"),
    SlotSpec("actor", "audit"),
    SlotSpec("subject", "identity"),
    SlotSpec("recipient", "audit"),
    SlotSpec("target", "audit"),
    SlotSpec("reason", "audit"),
    SlotSpec("origin", "audit"),
    SlotSpec("request", "audit"),
)

AUDIT_TYPES: Final = (
    TypeSpec(OPENING_GIVEN, {"log": _LOG}, "none", _SLOTS, "none"),
    TypeSpec(EXPORT_GIVEN, {"from": _COUNT, "log": _LOG, "to": _COUNT}, "none", _SLOTS, "none"),
    TypeSpec(ERASURE_REQUESTED, {"group": _GROUP}, "none", _SLOTS, "none"),
    TypeSpec(ERASURE_APPROVED, {"group": _GROUP}, "none", _SLOTS, "must"),
    TypeSpec(
        ERASURE_COMPLETED,
        {"entries": _COUNT, "group": _GROUP, "gone_by": {"is": "date"}, "root": {"is": "digest"}},
        "none",
        _SLOTS,
        "must",
    ),
    TypeSpec(READ, _WHAT, "none", _SLOTS, "none"),
    TypeSpec(CHANGED, _WHAT, "none", _SLOTS, "none"),
    TypeSpec(REFUSED, _WHAT, "none", _SLOTS, "none"),
)


@dataclass(frozen=True, slots=True)
class Record:
    """One thing to be written down. `slots` are private values by name, not yet sealed; absent ones are null.

    `actor` names who did it, `target` what it was done to (positions, routes), `recipient` who received something.
    """

    type: str
    data: Data
    slots: Mapping[str, object] = field(default_factory=dict)
    refers_to: tuple[int, ...] = ()


def opening_given(*, log: LogName, position: int, slots: Sequence[str], actor: str, recipient: str) -> Record:
    """Slots of one entry were shown to somebody; they cannot be taken back (attacks D7)."""
    target = {"position": position, "slots": sorted(slots)}
    return Record(OPENING_GIVEN, {"log": log}, {"actor": actor, "recipient": recipient, "target": target})


def export_given(*, log: LogName, start: int, end: int, actor: str, recipient: str) -> Record:
    """The entries [start, end) of a log that is not public were given to somebody, with what their key opens."""
    return Record(EXPORT_GIVEN, {"from": start, "log": log, "to": end}, {"actor": actor, "recipient": recipient})


def erasure_requested(*, group: Group, subject: str, actor: str, reason: str) -> Record:
    """Somebody asked that what is kept of a person be destroyed. `subject` is the keyed name of the person's key."""
    return Record(ERASURE_REQUESTED, {"group": group}, {"actor": actor, "subject": subject, "reason": reason})


def erasure_approved(*, group: Group, request: int, actor: str) -> Record:
    """A second person agreed to the erasure requested at position `request` (attacks A8, D9)."""
    return Record(ERASURE_APPROVED, {"group": group}, {"actor": actor}, (request,))


def erasure_completed(  # noqa: PLR0913 - what attacks A8 asks the event to carry
    *, group: Group, request: int, entries: int, root: bytes, gone_by: date, actor: str
) -> Record:
    """The key is destroyed. `root` is the Merkle root over the erased entries' leaf hashes, `entries` their number.

    `gone_by`: the day by which the last copy in any backup is dead too (attacks D1).
    """
    data = {"entries": entries, "group": group, "gone_by": gone_by.isoformat(), "root": encode_base64(root)}
    return Record(ERASURE_COMPLETED, data, {"actor": actor}, (request,))


def read(*, what: str, actor: str, target: object) -> Record:
    """Something protected was read. `what` is a slug such as `auditor-tiles`."""
    return Record(READ, {"what": what}, {"actor": actor, "target": target})


def changed(*, what: str, actor: str, target: object, reason: str) -> Record:
    """Something protected was changed. `what` is a slug such as `publishing-policy`."""
    return Record(CHANGED, {"what": what}, {"actor": actor, "target": target, "reason": reason})


def refused(*, what: str, actor: str, target: object) -> Record:
    """Somebody asked for something protected and was refused."""
    return Record(REFUSED, {"what": what}, {"actor": actor, "target": target})
