"""What is judged by its shape is judged as by every rule: the same answer, and the same carried on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.canonical import parse_entry
from ledger.errors import EntryError
from ledger.shapes import SHAPES_MAX, Shape
from ledger.verify import EntryChecker
from tests.clients.verifier.published import good_entries, rechained
from tests.support.logs import origin_of
from tests.vectors import logs

ENTRIES = good_entries(40)
LAST = len(ENTRIES) - 1


def reading(count: int) -> EntryChecker:
    """A checker after so many good entries, most of them told by their shape."""
    checker = EntryChecker(origin_of("public"), "public")
    for position, data in enumerate(ENTRIES[:count]):
        if checker.skim(position, data) is None:
            checker.check(position, data)
    return checker


def carried(checker: EntryChecker) -> tuple[object, ...]:
    return checker.snapshot(), checker.completed, checker.unknown_types


def test_shapes_are_in_use_and_say_of_an_entry_what_it_says() -> None:
    checker, entry = reading(LAST), parse_entry(ENTRIES[LAST])
    skimmed = checker.skim(LAST, ENTRIES[LAST])
    assert skimmed is not None
    assert (skimmed.type, skimmed.period, skimmed.at_us) == (entry.type, entry.period, entry.at_us)
    assert orjson.loads(ENTRIES[LAST])["private"]["root"].encode() == skimmed.private_root


def agrees(data: bytes, position: int = LAST) -> None:
    """Skimmed is accepted by every rule, and leaves the same behind; what is not skimmed changed nothing."""
    skimming, checking = reading(LAST), reading(LAST)
    before = carried(skimming)
    if skimming.skim(position, data) is None:
        assert carried(skimming) == before
    else:
        checking.check(position, data)
        assert carried(skimming) == carried(checking)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_bytes_come_nothing_is_skimmed_that_a_rule_forbids(draw: st.DataObject) -> None:
    data = bytearray(ENTRIES[LAST])
    for _ in range(draw.draw(st.integers(0, 2))):
        at = draw.draw(st.integers(0, len(data) - 1))
        byte = draw.draw(st.sampled_from(list(b'0123456789-"{}[],:ATZa.+/= \x00\xff')))
        how = draw.draw(st.sampled_from(["replace", "insert", "delete"]))
        data[at : at + (how != "insert")] = bytes([byte] if how != "delete" else [])
    agrees(bytes(data))


def amounts(change: Callable[[int], object]) -> Callable[[dict[str, Any]], None]:
    def spoil(entry: dict[str, Any]) -> None:
        for line in entry["postings"]:
            line["amount"] = str(change(int(line["amount"])))

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        amounts(lambda amount: amount * 3),
        amounts(lambda amount: amount + 1),
        amounts(lambda amount: f"0{amount}"),
        amounts(lambda amount: amount * 0),
        lambda entry: entry.update(at="2020-01-01T00:00:00.000000Z"),
        lambda entry: entry.update(at="9999-12-30T00:00:00.000000Z"),
        lambda entry: entry.update(at="2026-02-30T00:00:00.000000Z"),
        lambda entry: entry.update(at=entry["at"].replace(":00.000000Z", ":01.000000Z")),
        lambda entry: entry.update(position=LAST + 1),
        lambda entry: entry.update(prev="A" * 43 + "="),
        lambda entry: entry.update(private={"alg": "slots1", "root": "A" * 43 + "="}),
        lambda entry: entry.update(phase="posted", refers_to=[1]),
    ],
)
def test_what_stands_in_the_holes_is_judged_each_time(spoil: Callable[[dict[str, Any]], None]) -> None:
    agrees(rechained(ENTRIES, LAST, spoil)[LAST])


def test_an_entry_at_another_position_is_not_skimmed() -> None:
    agrees(ENTRIES[LAST], LAST + 1)
    agrees(ENTRIES[LAST - 1])


def test_a_month_that_is_closed_meanwhile_takes_no_entry_by_its_shape() -> None:
    maker = logs.public_log()
    checker = EntryChecker(maker.key.name, "public")
    for position, data in enumerate(maker.entries):
        checker.skim(position, data) or checker.check(position, data)
    late = maker.document("2026-10-05T00:10:00.000000Z", logs.GIFT.name, {"via": "bank"}, period="2026-09")
    late |= {"postings": logs.postings("rent", 2500, 103), "private": maker.documents[-1]["private"]}
    data = orjson.dumps(late, option=orjson.OPT_SORT_KEYS)
    assert checker.skim(checker.size, data) is None
    with pytest.raises(EntryError, match="period-closed"):
        checker.check(checker.size, data)


def test_what_is_held_to_a_guard_or_resolves_something_has_no_shape() -> None:
    for maker in (logs.public_log(), logs.books_log()):
        checker = EntryChecker(maker.key.name, maker.log)
        for position, data in enumerate(maker.entries):
            entry = checker.check(position, data)
            if entry.phase is not None or entry.refers_to:
                assert Shape.of(entry, data) is None
            assert all(shape.type != logs.SPENT.name for shape in checker._shapes)


def test_the_shapes_that_are_kept_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SHAPES_MAX <= 64
    monkeypatch.setattr("ledger.verify.SHAPES_MAX", 2)
    assert len(reading(LAST)._shapes) == 2
