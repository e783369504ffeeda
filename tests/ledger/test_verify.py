"""The checker over whole logs; single broken rules stand in the shared vectors (test_vectors.py)."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import canonical, merkle
from ledger.errors import EntryError
from ledger.types import Entry, Posting
from ledger.verify import EntryChecker
from tests.vectors import logs

PUBLIC = logs.public_log()
MADE = (PUBLIC, logs.books_log(), logs.unknown_log())


def checker_of(log: logs.LogMaker, count: int) -> EntryChecker:
    checker = EntryChecker(log.key.name, log.log)
    for position in range(count):
        checker.check(position, log.entries[position])
    return checker


def test_a_checker_carries_the_chain_and_the_tree() -> None:
    checker = EntryChecker(PUBLIC.key.name, "public")
    assert (checker.size, checker.prev, checker.frontier.root()) == (0, canonical.EMPTY_HASH, merkle.EMPTY_ROOT)
    hashes: list[bytes] = []
    nodes: list[merkle.Node] = []
    for position, data in enumerate(PUBLIC.entries):
        assert checker.check(position, data) == canonical.parse_entry(data)
        hashes.append(canonical.leaf_hash(data))
        nodes += checker.completed
        assert checker.prev == hashes[-1]
    assert checker.frontier.root() == merkle.root(hashes)
    assert checker.last_at_us == canonical.parse_entry(PUBLIC.entries[-1]).at_us
    assert len(nodes) == sum(checker.size >> level for level in range(1, 6))


@pytest.mark.parametrize("log", MADE, ids=lambda log: log.name)
def test_a_checker_continues_from_its_snapshot_as_if_it_had_never_stopped(log: logs.LogMaker) -> None:
    whole = checker_of(log, len(log.entries)).snapshot()
    for stop in range(len(log.entries) + 1):
        state = json.loads(json.dumps(checker_of(log, stop).snapshot()))
        checker = EntryChecker.from_snapshot(state)
        assert json.loads(json.dumps(checker.snapshot())) == state
        for position in range(stop, len(log.entries)):
            checker.check(position, log.entries[position])
        assert checker.snapshot() == whole


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_entries_left_out_repeated_or_exchanged_are_noticed_at_the_first_one(data: st.DataObject) -> None:
    log = data.draw(st.sampled_from(MADE))
    order = list(range(len(log.entries)))
    i, j = data.draw(st.integers(0, len(order) - 1)), data.draw(st.integers(0, len(order) - 1))
    how = data.draw(st.sampled_from(("left out", "repeated", "exchanged")))
    if how == "left out":
        del order[i]
    elif how == "repeated":
        order.insert(i, order[i])
    else:
        order[i], order[j] = order[j], order[i]
    checker = EntryChecker(log.key.name, log.log)
    wrong = next((k for k, position in enumerate(order) if position != k), None)
    for k, position in enumerate(order):
        if k == wrong:
            with pytest.raises(EntryError):
                checker.check(k, log.entries[position])
            return
        checker.check(k, log.entries[position])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_bit_of_a_log_can_be_flipped_unnoticed(data: st.DataObject) -> None:
    log = data.draw(st.sampled_from(MADE))
    position = data.draw(st.integers(0, len(log.entries) - 1))
    spoiled = bytearray(log.entries[position])
    spoiled[data.draw(st.integers(0, len(spoiled) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    checker = checker_of(log, position)
    try:
        checker.check(position, bytes(spoiled))
        for later in range(position + 1, len(log.entries)):
            checker.check(later, log.entries[later])
    except EntryError:
        return
    # Only the newest entry can change and still keep every rule; then the checkpoint does not fit.
    assert position == len(log.entries) - 1
    assert checker.frontier.root() != log.checker.frontier.root()


def test_positions_are_taken_in_order_only() -> None:
    checker = EntryChecker(PUBLIC.key.name, "public")
    with pytest.raises(EntryError) as caught:
        checker.check(1, PUBLIC.entries[1])
    assert caught.value.code == "position-mismatch"


def test_a_registry_given_from_outside_stands_in_until_the_log_has_its_own() -> None:
    checker = EntryChecker(PUBLIC.key.name, "public", logs.REGISTRY)
    assert checker.registry is logs.REGISTRY
    for position in range(2):
        checker.check(position, PUBLIC.entries[position])
    assert checker.registry.to_text() == logs.REGISTRY.to_text()
    assert checker.registry is not logs.REGISTRY


def test_unknown_types_are_counted_and_change_no_rule() -> None:
    log = MADE[2]
    checker = checker_of(log, len(log.entries))
    assert checker.unknown_types == 1
    before = checker_of(log, len(log.entries) - 1).snapshot()
    changed = {name for name, value in checker.snapshot().items() if value != before[name]}
    assert changed == {"balances", "frontier", "last_at_us", "prev", "size", "unknown_types"}


def test_a_month_is_overdue_twenty_days_after_its_end_until_it_is_closed() -> None:
    log = logs.public_log()
    told = []
    for at in ("2026-11-21T05:59:00.000000Z", "2026-11-21T06:00:00.000000Z", "2026-12-31T00:00:00.000000Z"):
        log.add(at, "ledger.books.attested.v1", {"note": "no month was closed"}, period=at[:7])
        told.append(log.checker.overdue())
    assert told == [None, "2026-10", "2026-10"]
    log.close("2026-12-31T00:00:00.000000Z", "2026-10")
    assert log.checker.overdue() == "2026-11"
    log.close("2026-12-31T00:00:00.000000Z", "2026-11")
    assert log.checker.overdue() is None


def test_no_month_is_overdue_in_a_young_log_and_in_none() -> None:
    assert EntryChecker("o", "public").overdue() is None
    assert [checker_of(log, len(log.entries)).overdue() for log in MADE] == [None, None, None]
    never = logs.unknown_log()
    never.add("2027-02-20T00:00:00.000000Z", "ledger.books.attested.v1", {"note": "late"}, period="2027-02")
    assert never.checker.overdue() == "2026-12"


def test_ten_thousand_entries_are_judged_in_a_second() -> None:
    checker = checker_of(PUBLIC, len(PUBLIC.entries))
    at_us, count = checker.last_at_us, 10_000
    lines = tuple(
        Posting(p["account"], p["asset"], p["fund"], int(p["amount"])) for p in logs.postings("rent", 10330, 330)
    )
    data, prev, made = {"via": "bank"}, checker.prev, []
    for position in range(checker.size, checker.size + count):
        one = Entry(PUBLIC.key.name, position, prev, at_us, "2026-10", logs.GIFT.name, data, lines, bytes(32))
        made.append(canonical.encode_entry(one))
        prev = canonical.leaf_hash(made[-1])
    started_s = time.process_time()
    for position, entry in enumerate(made, checker.size):
        checker.check(position, entry)
    assert time.process_time() - started_s < 1.0
