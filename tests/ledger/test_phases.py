"""What is pending, entry by entry; the rule itself is in the shared vectors and the store's contract."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger import phases
from ledger.errors import EntryError
from ledger.types import Entry, OwnedPosting, Phase, Posting


def entry(
    position: int, phase: Phase | None, *, at_us: int = 0, expires_at_us: int | None = None, to: tuple[int, ...] = ()
) -> Entry:
    return Entry("o", position, bytes(32), at_us, "2026-09", "t.a.b.v1", {}, (), None, phase, expires_at_us, to)


def test_pending_entries_are_kept_until_one_entry_resolves_them() -> None:
    pending: dict[int, int] = {}
    for position in (3, 4, 5):
        phases.apply(entry(position, "pending", expires_at_us=100 + position), pending)
    resolving = entry(6, "posted", to=(3, 5))
    phases.judge(resolving, pending)
    phases.apply(resolving, pending)
    assert pending == {4: 104}
    with pytest.raises(EntryError, match="position 5 is not pending, or no longer"):
        phases.judge(entry(7, "voided", to=(4, 5)), pending)


def test_an_entry_expires_at_its_time_and_not_before_but_may_be_posted_late() -> None:
    pending = {4: 104}
    with pytest.raises(EntryError, match="not expired yet"):
        phases.judge(entry(9, "expired", at_us=103, to=(4,)), pending)
    phases.judge(entry(9, "expired", at_us=104, to=(4,)), pending)
    phases.judge(entry(9, "posted", at_us=999, to=(4,)), pending)


def test_entries_without_a_phase_refer_to_whatever_they_like() -> None:
    pending = {4: 104}
    phases.judge(entry(9, None, to=(1, 2)), pending)
    phases.apply(entry(9, None, to=(4,)), pending)
    assert pending == {4: 104}


def test_what_ends_a_pending_entry_gives_back_its_postings() -> None:
    held = replace(entry(3, "pending", expires_at_us=9), postings=(Posting("assets:cash", "USD/2", "rent", 5),))
    draft = phases.expiry(held)
    assert (draft.type, draft.data, draft.phase, draft.refers_to) == (held.type, held.data, "expired", (3,))
    assert draft.postings == (OwnedPosting("assets:cash", "USD/2", "rent", -5),)


def test_what_is_not_pending_or_has_sealed_owners_is_not_ended_by_just_anybody() -> None:
    with pytest.raises(EntryError, match="position 3 is immediate, not pending"):
        phases.expiry(entry(3, None))
    with pytest.raises(EntryError, match="only its slice can name"):
        phases.expiry(replace(entry(3, "pending", expires_at_us=9), private_root=b"r" * 32))
