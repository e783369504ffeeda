"""Members of an entry: whatever the writer would write wrongly is refused as the reader would refuse it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given

from ledger import canonical, document
from ledger.errors import EntryError
from ledger.types import Entry, Posting
from tests.ledger import made

PENDING: dict[str, Any] = {"phase": "pending", "expires_at_us": made.ENTRY.at_us + 1}


@given(made.entries())
def test_members_and_entry_are_two_forms_of_one_thing(entry: Entry) -> None:
    assert document.to_entry(orjson.loads(orjson.dumps(document.of_entry(entry)))) == entry


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"v": 2}, "entry-malformed"),
        ({"position": -1}, "entry-malformed"),
        ({"position": 2**53}, "entry-malformed"),
        ({"log": "Ledger"}, "entry-malformed"),
        ({"log": ""}, "entry-malformed"),
        ({"period": "2026-13"}, "entry-malformed"),
        ({"type": "gift"}, "entry-malformed"),
        ({"prev": bytes(31)}, "entry-malformed"),
        ({"private_root": bytes(33)}, "entry-malformed"),
        ({"private_root": b""}, "entry-malformed"),
        ({"at_us": -1}, "entry-malformed"),
        ({"at_us": 10**30}, "entry-malformed"),
        ({"data": {"x": 1.5}}, "entry-malformed"),
        ({"data": {"x": "\ud800"}}, "entry-malformed"),
        ({"data": {"x": [[["too deep"]]]}}, "entry-malformed"),
        ({"data": []}, "entry-malformed"),
        ({"postings": (Posting("cash", "USD/2", "rent", 1),)}, "entry-malformed"),
        ({"postings": (Posting("assets:cash", "USD/2", "rent", 0),)}, "entry-malformed"),
        ({"postings": (Posting("assets:cash", "USD/2", "rent", 1),)}, "sum-not-zero"),
        ({"postings": made.ENTRY.postings[::-1]}, "postings-unsorted"),
        ({"phase": "done"}, "entry-malformed"),
        ({"phase": "pending"}, "phase-invalid"),
        ({**PENDING, "expires_at_us": made.ENTRY.at_us}, "phase-invalid"),
        ({**PENDING, "phase": "posted", "refers_to": (1,)}, "phase-invalid"),
        ({**PENDING, "phase": None}, "phase-invalid"),
        ({"phase": "voided"}, "phase-invalid"),
        ({"refers_to": (made.ENTRY.position,)}, "refers-invalid"),
        ({"refers_to": (-1,)}, "refers-invalid"),
        ({"refers_to": (2, 2)}, "refers-invalid"),
        ({"refers_to": tuple(range(33))}, "refers-invalid"),
    ],
    ids=str,
)
def test_an_entry_that_no_reader_would_accept_is_not_written(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(EntryError) as caught:
        canonical.encode_entry(replace(made.ENTRY, **changes))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "changes",
    [
        PENDING,
        {"phase": "expired", "refers_to": (0, 4095)},
        {"refers_to": tuple(range(32))},
        {"private_root": None},
        {"postings": ()},
    ],
    ids=str,
)
def test_optional_members_stand_only_when_they_say_something(changes: dict[str, Any]) -> None:
    entry = replace(made.ENTRY, **changes)
    encoded = canonical.encode_entry(entry)
    assert canonical.parse_entry(encoded) == entry
    assert b"null" not in encoded
