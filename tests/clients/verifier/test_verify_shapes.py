"""verify.py knows most entries by their shape: it must never say anything else than it says without shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clients.verifier.published import good_entries, load, rechained
from tests.support.logs import origin_of

KNOWING, PLAIN = load(), load()
PLAIN.SHAPES_MAX = 0
ENTRIES = good_entries(40)
LAST = len(ENTRIES) - 1
NOT_COMPARED = {"shapes", "frontier", "recovery", "_good_time"}
"""What only makes it faster, and objects that are compared by what they say."""


def reading(module: Any, count: int) -> Any:
    """A log after so many good entries."""
    log = module.Log(origin_of("public"))
    for data in ENTRIES[:count]:
        log.take(data)
    return log


def told(module: Any, data: bytes) -> tuple[str, Any]:
    """What is said to `data` in the place of the last entry, and everything that is carried afterwards."""
    log = reading(module, LAST)
    try:
        log.take(data)
    except module.Failed as failure:
        return failure.code, failure.position
    except module.CannotTell as reason:
        return "cannot tell", str(reason)
    state = {name: value for name, value in vars(log).items() if name not in NOT_COMPARED}
    return "good", (repr(sorted(state.items(), key=lambda item: item[0])), log.frontier.root())


def test_shapes_are_in_use_at_all() -> None:
    log = reading(KNOWING, LAST)
    assert len(log.shapes) >= 3
    assert any(shape.fits(ENTRIES[LAST]) for shape in log.shapes)
    assert not reading(PLAIN, LAST).shapes


def test_a_good_entry_leaves_the_same_behind() -> None:
    assert told(KNOWING, ENTRIES[LAST]) == told(PLAIN, ENTRIES[LAST])


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_whatever_bytes_come_the_answer_is_the_same(draw: st.DataObject) -> None:
    data = bytearray(ENTRIES[LAST])
    for _ in range(draw.draw(st.integers(1, 3))):
        at = draw.draw(st.integers(0, len(data) - 1))
        how = draw.draw(st.sampled_from(["replace", "insert", "delete"]))
        byte = draw.draw(st.sampled_from(list(b'0123456789-"{}[],:ATZa.+/= \x00\xff')))
        if how == "replace":
            data[at] = byte
        elif how == "insert":
            data.insert(at, byte)
        else:
            del data[at]
    assert told(KNOWING, bytes(data)) == told(PLAIN, bytes(data))


def amounts(change: Callable[[int], object]) -> Callable[[dict[str, Any]], None]:
    def spoil(entry: dict[str, Any]) -> None:
        for line in entry["postings"]:
            line["amount"] = str(change(int(line["amount"])))

    return spoil


def set_member(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def spoil(entry: dict[str, Any]) -> None:
        entry[name] = value

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        amounts(lambda amount: amount * 3),
        amounts(lambda amount: amount + 1),
        amounts(lambda amount: amount * 10**30),
        amounts(lambda amount: f"0{amount}"),
        amounts(lambda amount: amount * 0),
        set_member("at", "2020-01-01T00:00:00.000000Z"),
        set_member("at", "9999-12-30T00:00:00.000000Z"),
        set_member("at", "2026-02-30T00:00:00.000000Z"),
        set_member("at", "2026-10-01T00:00:01.000000Z"),
        set_member("position", LAST + 1),
        set_member("position", 10**17),
        set_member("prev", "A" * 43 + "="),
        set_member("private", {"alg": "slots1", "root": "A" * 43 + "="}),
        set_member("private", {"alg": "slots1", "root": "A" * 42 + "B="}),
        set_member("phase", "posted"),
        set_member("refers_to", [1]),
    ],
)
def test_what_stands_in_the_holes_is_judged_each_time(spoil: Callable[[dict[str, Any]], None]) -> None:
    data = rechained(ENTRIES, LAST, spoil)[LAST]
    assert told(KNOWING, data) == told(PLAIN, data)


def test_what_is_declared_makes_every_shape_be_judged_anew() -> None:
    log = reading(KNOWING, LAST)
    shown = {"data": {"note": "seen"}, "type": "ledger.books.attested.v1", "postings": []}

    def declare(entry: dict[str, Any]) -> None:
        del entry["private"]
        entry.update(shown)

    log.take(rechained(ENTRIES, LAST, declare)[LAST])
    assert log.shapes == []


def test_the_shapes_that_are_kept_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KNOWING, "SHAPES_MAX", 2)
    assert len(reading(KNOWING, LAST).shapes) == 2
