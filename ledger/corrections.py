"""Corrections: what was booked wrongly is given back by an entry that refers to it and says why. Pure. issue 4, 3.

Nothing is ever changed. An entry is corrected once, which a claim keeps; what should have been booked goes into the
same command, so that both stand next to one another or neither is there. A wrong correction is corrected itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ledger.errors import EntryError
from ledger.phases import PENDING
from ledger.postings import settle
from ledger.schema import Spec
from ledger.types import Claim, Command, Draft, Entry, OwnedPosting, SealedSlots

CORRECTED: Final = "corrected"
"""Kind of the claim that keeps an entry from being corrected twice; the key is its position."""
REASONS: Final = ("account", "amount", "duplicate", "fund", "not_ours", "owner")
REASON: Final[Spec] = {"is": "enum", "of": list(REASONS)}
"""What `data.reason` of a type for corrections may say; whatever more there is to say goes into a private slot."""


def correction(  # noqa: PLR0913 - what a correction says
    wrong: Entry,
    type_name: str,
    data: Mapping[str, object],
    *,
    owned: Sequence[OwnedPosting] = (),
    private: SealedSlots | None = None,
    instead: Sequence[Draft] = (),
) -> Command:
    """The command that gives back the postings of `wrong` and books `instead`, all or none.

    `type_name` is a type whose data have a `reason` of the form REASON, and whose refers_to must stand. `owned` are the
    postings of `wrong` with their owners, where it had any: its bytes do not show them, its sealed slot does.
    EntryError: `phase-invalid` for a pending entry, which is resolved instead; `data-invalid` for one that moved
    nothing, for the ledger's own, without a reason, or when `owned` is not what was booked. The second of two
    corrections is refused with ClaimTaken.
    """
    if wrong.phase == PENDING:
        raise EntryError("phase-invalid", f"position {wrong.position} is pending: void it, there is nothing to correct")
    if not wrong.postings or wrong.type.startswith("ledger."):
        raise EntryError("data-invalid", f"position {wrong.position}, {wrong.type}, moved nothing to give back")
    if data.get("reason") not in REASONS:
        raise EntryError(
            "data-invalid", f"a correction has a reason of {', '.join(REASONS)}, not {data.get('reason')!r}"
        )
    lines = owned or [OwnedPosting(p.account, p.asset, p.fund, p.amount) for p in wrong.postings]
    if settle(lines)[0] != wrong.postings:
        raise EntryError("data-invalid", f"the owners given do not make up the postings of position {wrong.position}")
    back = tuple(OwnedPosting(p.account, p.asset, p.fund, -p.amount, p.owner) for p in lines)
    draft = Draft(type_name, data, back, private=private, refers_to=(wrong.position,))
    return Command((draft, *instead), claims=(Claim(CORRECTED, wrong.position.to_bytes(32, "big")),))
