"""Which key signed which sizes is read from the log's own entries."""

from __future__ import annotations

from collections.abc import Mapping

from ledger import canonical
from ledger.types import Entry
from server.public.keys import key_lines


def entry(position: int, kind: str, data: Mapping[str, object]) -> bytes:
    return canonical.encode_entry(
        Entry(
            log="ledger.example.org/ledger",
            position=position,
            prev=canonical.EMPTY_HASH,
            at_us=1_800_000_000_000_000,
            period="2027-01",
            type=kind,
            data=data,
            postings=(),
        )
    )


OPENED = entry(0, "ledger.log.opened.v1", {"key": "k+1+A"})
INTRODUCED = entry(500, "ledger.key.introduced.v1", {"key": "k+2+B", "signature": "x", "size": 501})
RETIRED = entry(501, "ledger.key.retired.v1", {"key": "k+1+A", "signature": "x", "size": 600})


def test_a_log_with_one_key_has_one_open_line() -> None:
    assert key_lines([OPENED]) == "k+1+A 0 -\n"


def test_a_key_introduced_and_one_retired_have_their_sizes() -> None:
    assert key_lines([OPENED, INTRODUCED, RETIRED]) == "k+1+A 0 600\nk+2+B 501 -\n"


def test_a_log_without_entries_has_no_lines() -> None:
    assert key_lines([]) == ""


def test_the_retirement_of_a_key_that_never_was_adds_none() -> None:
    assert key_lines([RETIRED]) == ""
