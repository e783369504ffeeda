"""Entries for the tests: the example of the specification, and any entry at all."""

from __future__ import annotations

from hypothesis import strategies as st

from ledger import canonical, postings
from ledger.types import Entry, OwnedPosting, Phase

BYTES = (
    b'{"at":"2026-09-01T12:10:00.000000Z","data":{"via":"processor"},"log":"ledger.example.org/ledger","period":"2026-09",'
    b'"position":4096,"postings":[{"account":"assets:cash","amount":"10330","asset":"USD/2","fund":"rent"},'
    b'{"account":"expenses:processing","amount":"330","asset":"USD/2","fund":"rent"},'
    b'{"account":"income:gifts","amount":"-10330","asset":"USD/2","fund":"rent"},'
    b'{"account":"liabilities:accrued_fees","amount":"-330","asset":"USD/2","fund":"rent"}],'
    b'"prev":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",'
    b'"private":{"alg":"slots1","root":"AV20A6LJSUG08Rz5HZ+dJJ9/zGxjGHDvsw8s8/1buP0="},"type":"giving.gift.received.v1","v":1}'
)
ENTRY = canonical.parse_entry(BYTES)

AT_US_MAX = canonical.parse_at("9999-12-30T23:59:59.999999Z")
ACCOUNTS = (
    "assets:cash",
    "assets:stripe:pending",
    "income:gifts",
    "liabilities:vendors",
    "points:members",
    "equity:opening",
)
ASSETS = ("EUR/2", "JPY", "USD/2")
FUNDS = ("general", "none", "rent")
OWNERS = (b"", b"a" * 32, b"b" * 32)


@st.composite
def transfers(draw: st.DrawFn) -> list[OwnedPosting]:
    """Owned lines that balance per asset and fund: each line has its counterpart in the same asset and fund."""
    lines: list[OwnedPosting] = []
    for _ in range(draw(st.integers(0, 12))):
        asset, fund = draw(st.sampled_from(ASSETS)), draw(st.sampled_from(FUNDS))
        amount = draw(st.integers(-(10**29), 10**29))
        for sign in (1, -1):
            account, owner = draw(st.sampled_from(ACCOUNTS)), draw(st.sampled_from(OWNERS))
            lines.append(OwnedPosting(account, asset, fund, sign * amount, owner))
    return lines


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Any entry that keeps every rule of its own."""
    lines = [OwnedPosting(line.account, line.asset, line.fund, line.amount) for line in draw(transfers())]
    position = draw(st.integers(1, 2**53 - 1))
    at_us = draw(st.integers(0, AT_US_MAX - 1))
    phase: Phase | None = draw(st.sampled_from((None, "pending", "posted", "voided", "expired")))
    resolving = phase not in (None, "pending")
    positions = st.lists(st.integers(0, position - 1), min_size=int(resolving), max_size=32, unique=True)
    return Entry(
        log=draw(st.sampled_from(("ledger.example.org/ledger", "localhost:8080/books", "a"))),
        position=position,
        prev=draw(st.binary(min_size=32, max_size=32)),
        at_us=at_us,
        period=f"{draw(st.integers(0, 9999)):04}-{draw(st.integers(1, 12)):02}",
        type=draw(st.sampled_from(("giving.gift.received.v1", "a.b_c.d_.v99"))),
        data=draw(
            st.dictionaries(st.sampled_from(("a", "b_1", "0")), st.text(max_size=5) | st.lists(st.integers(0, 9)))
        ),
        postings=postings.settle(lines)[0],
        private_root=draw(st.none() | st.binary(min_size=32, max_size=32)),
        phase=phase,
        expires_at_us=draw(st.integers(at_us + 1, AT_US_MAX)) if phase == "pending" else None,
        refers_to=tuple(sorted(draw(positions))),
    )
