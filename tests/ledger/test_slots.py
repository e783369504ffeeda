"""Private slots: one entry opens in one way only, slot by slot."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle, slots
from ledger.errors import EntryError
from ledger.registry import TypeSpec
from ledger.slots import SlotSpec

VALUES = (
    st.none() | st.text(max_size=8) | st.integers(-(2**53 - 1), 2**53 - 1) | st.lists(st.text(max_size=3), max_size=3)
)


def spec_of(count: int) -> TypeSpec:
    return TypeSpec("test.thing.kept.v1", {}, "none", tuple(SlotSpec(f"s{i}", "audit") for i in range(count)))


def salts_of(count: int, seed: int = 0) -> list[bytes]:
    return [sha256(b"%d %d" % (seed, i)).digest() for i in range(count)]


@given(st.sampled_from(slots.SLOT_COUNTS), st.data())
def test_every_slot_opens_alone_and_as_itself_only(count: int, data: st.DataObject) -> None:
    spec = spec_of(count)
    values: dict[str, object] = {f"s{i}": data.draw(VALUES) for i in range(count) if data.draw(st.booleans())}
    salts = salts_of(count, data.draw(st.integers(0, 1000)))
    hashes, root = slots.build(spec, values, salts)
    i = data.draw(st.integers(0, count - 1))
    opening = slots.opening(spec, f"s{i}", values.get(f"s{i}"), salts[i], hashes)
    assert len(opening.path) == {8: 3, 16: 4}[count]
    slots.verify_opening(opening, count, root)
    for other in (24 - count, 0, 4, 32):
        with pytest.raises(EntryError):
            slots.verify_opening(opening, other, root)


def test_the_slot_hash_is_as_the_specification_says() -> None:
    salt = bytes(range(32))
    expected = sha256(b"\x00secondwind/slot/v1\n" + salt + b'["giving.gift.received.v1",2,"giver","Ada"]').digest()
    assert slots.slot_hash("giving.gift.received.v1", 2, "giver", "Ada", salt) == expected
    unused = sha256(b"\x00secondwind/slot/v1\n" + salt + b'["giving.gift.received.v1",2,"giver",null]').digest()
    assert slots.slot_hash("giving.gift.received.v1", 2, "giver", None, salt) == unused


def test_the_root_is_the_tree_over_slot_hashes_as_leaf_hashes() -> None:
    hashes, root = slots.build(spec_of(8), {"s3": {"b": 1, "a": ["x"]}}, salts_of(8))
    assert len(hashes) == 256
    assert root == merkle.root(hashes[i : i + 32] for i in range(0, 256, 32))


def test_a_value_without_a_slot_is_refused() -> None:
    with pytest.raises(EntryError, match="no slot 'giver'"):
        slots.build(spec_of(8), {"giver": "Ada"}, salts_of(8))


@pytest.mark.parametrize(
    ("count", "salts"), [(8, salts_of(7)), (8, salts_of(9)), (8, [bytes(32)] * 8), (0, []), (4, salts_of(4))]
)
def test_salts_are_as_many_as_slots_and_all_different(count: int, salts: list[bytes]) -> None:
    with pytest.raises(EntryError, match="salts"):
        slots.build(spec_of(count), {}, salts)


@pytest.mark.parametrize("value", [1.5, True, [None], {"A": 1}, 2**53, "\ud800", b"x"])
def test_a_value_that_canonical_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(EntryError) as caught:
        slots.slot_hash("a.b.c.v1", 0, "s0", value, bytes(32))
    assert caught.value.code == "opening-invalid"


@pytest.mark.parametrize(
    ("name", "value", "salt", "cut"), [("s9", None, 0, 0), ("s0", "x", 0, 0), ("s0", None, 1, 0), ("s0", None, 0, 1)]
)
def test_what_was_not_committed_to_cannot_be_opened(name: str, value: object, salt: int, cut: int) -> None:
    salts = salts_of(8)
    hashes, _ = slots.build(spec_of(8), {}, salts)
    with pytest.raises(EntryError) as caught:
        slots.opening(spec_of(8), name, value, salts[salt], hashes[: len(hashes) - cut])
    assert caught.value.code == "opening-invalid"
