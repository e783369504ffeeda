"""Two-phase entries: what is pending, and that it is resolved once. Pure. SPEC.md 4.8-4.10.

The postings of an entry count from its position on, whatever its phase; a phase says what an entry is to another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ledger.errors import EntryError
from ledger.types import Entry

PENDING: Final = "pending"
RESOLVING: Final = frozenset({"posted", "voided", "expired"})


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
        if entry.phase == "expired" and entry.at_us < expires_at_us:
            raise EntryError("phase-invalid", f"position {position} has not expired yet")


def apply(entry: Entry, pending: dict[int, int]) -> None:
    """Take over what a judged entry does to what is pending."""
    if entry.phase == PENDING and entry.expires_at_us is not None:
        pending[entry.position] = entry.expires_at_us
    elif entry.phase in RESOLVING:
        for position in entry.refers_to:
            del pending[position]
