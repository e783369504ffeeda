"""What is promised for a gift, by how it is to be told."""

from __future__ import annotations

import pytest

from ledger import promise
from ledger.types import Entry, Posting
from server.promises.terms import HIDDEN_US, LIVE_US, QUIET_US, promised

POSTINGS = (
    Posting("assets:stripe:pending", "USD/2", "rent", 2_500),
    Posting("income:gifts:restricted", "USD/2", "rent", -2_500),
)


def gift(visibility: str, name: str = "giving.gift.received.v1") -> Entry:
    data = {"visibility": visibility, "via": "processor", "fee_borne_by": "giver", "effective_on": "2026-09-01"}
    return Entry(
        at_us=1_000_000, data=data, log="a/books", period="2026-09", position=4, postings=POSTINGS, prev=b"", type=name
    )


@pytest.mark.parametrize(
    ("visibility", "way", "within_us"),
    [("live", "alone", LIVE_US), ("quiet", "alone", QUIET_US), ("hidden", "together", HIDDEN_US)],
)
def test_the_deadline_follows_the_giver_s_choice(visibility: str, way: str, within_us: int) -> None:
    made = promised(gift(visibility), bytes(32), "n", "a/ledger")
    assert made is not None
    assert (made.way, made.not_later_us) == (way, 1_000_000 + within_us)
    assert (made.log, made.amount, made.asset, made.fund) == ("a/ledger", "2500", "USD/2", "rent")
    assert (made.commitment, made.giver) == (bytes(32), promise.giver_hash("n"))


def test_nothing_is_promised_for_what_waits_for_a_person() -> None:
    assert promised(gift("live", "giving.gift.suspended.v1"), bytes(32), "n", "a/ledger") is None
