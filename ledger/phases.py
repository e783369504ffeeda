"""Two-phase entries: what is pending, and that it is resolved once. Pure. SPEC.md 4.8-4.10.

The postings of an entry count from its position on, whatever its phase; a phase says what an entry is to another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ledger.errors import EntryError
from ledger.types import Draft, Entry, OwnedPosting

PENDING: Final = "pending"
EXPIRED: Final = "expired"
RESOLVING: Final = frozenset({"posted", "voided", EXPIRED})


def judge(entry: Entry, pending: Mapping[int, int]) -> None:
    """Returns if the entry resolves only what is pending; EntryError `phase-invalid` otherwise.

    `pending` maps positions to the time they expire, in µs; it needs no others than those the entry refers to.
    """
    if entry.phase not in RESOLVING:
        return
    for position in entry.refers_to:
        expires_at_us = pending.get(position)
        if expires_at_us is None:
            raise EntryError("phase-invalid", f"{entry.phase}: position {position} is not pending, or no longer")
        if entry.phase == EXPIRED and entry.at_us < expires_at_us:
            raise EntryError("phase-invalid", f"position {position} has not expired yet")


def apply(entry: Entry, pending: dict[int, int]) -> None:
    """Take over what a judged entry does to what is pending."""
    if entry.phase == PENDING and entry.expires_at_us is not None:
        pending[entry.position] = entry.expires_at_us
    elif entry.phase in RESOLVING:
        for position in entry.refers_to:
            del pending[position]


def expiry(entry: Entry) -> Draft:
    """What ends a pending entry whose time is over: its own type and data, and its postings given back.

    EntryError `phase-invalid` for an entry that is not pending; `private-invalid` for one with private slots: its
    owners are sealed, so the slice that wrote it has to give them back.
    """
    if entry.phase != PENDING:
        raise EntryError("phase-invalid", f"position {entry.position} is {entry.phase or 'immediate'}, not pending")
    if entry.private_root is not None:
        raise EntryError("private-invalid", f"position {entry.position} has owners that only its slice can name")
    return Draft(
        entry.type,
        entry.data,
        tuple(OwnedPosting(p.account, p.asset, p.fund, -p.amount) for p in entry.postings),
        phase=EXPIRED,
        refers_to=(entry.position,),
    )
