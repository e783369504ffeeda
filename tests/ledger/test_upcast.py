"""Old versions of a type read as the newest; the stored bytes stay what they are."""

from __future__ import annotations

import pytest

from ledger import canonical
from ledger.types import Command, Data, Draft
from ledger.upcast import Upcasts
from tests.support.logs import EMPTY_SLOTS, born_memory, public_gift

V1, V2, V3 = (f"giving.gift.received.v{version}" for version in (1, 2, 3))


def with_channel(data: Data) -> Data:
    return {"channel": data["via"]}


def with_country(data: Data) -> Data:
    return {**data, "country": "us"}


BOTH = Upcasts({V1: with_channel, V2: with_country})


async def test_an_old_entry_reads_as_the_newest_version_and_its_bytes_are_untouched() -> None:
    async with born_memory() as log:
        first = (await log.append(Command((public_gift(500),)))).first
        stored = (await log.entries(first, 1))[0]
        before = stored.bytes
        entry = canonical.parse_entry(stored.bytes)
        read = BOTH.apply(entry)
        assert (read.type, read.data) == (V3, {"channel": "processor", "country": "us"})
        assert (entry.type, entry.data) == (V1, {"via": "processor"})
        same = ("log", "position", "prev", "at_us", "period", "postings", "private_root", "phase", "refers_to", "v")
        assert [getattr(read, name) for name in same] == [getattr(entry, name) for name in same]
        assert stored.bytes == before
        assert canonical.leaf_hash(canonical.encode_entry(entry)) == stored.leaf_hash


async def test_a_chain_is_entered_where_the_entry_stands() -> None:
    async with born_memory() as log:
        entry = canonical.parse_entry((await log.entries(0, 1))[0].bytes)
        assert BOTH.apply(entry) is entry
        gift = Draft(public_gift().type, {"via": "bank"}, public_gift().postings, private=EMPTY_SLOTS)
        first = (await log.append(Command((gift,)))).first
        old = canonical.parse_entry((await log.entries(first, 1))[0].bytes)
        half = Upcasts({V1: with_channel}).apply(old)
        assert half.type == V2
        assert BOTH.apply(half).data == {"channel": "bank", "country": "us"}
        assert BOTH.apply(BOTH.apply(old)) == BOTH.apply(old)


def test_the_newest_version_of_a_type_is_told_for_whoever_looks_for_one() -> None:
    assert [BOTH.newest(name) for name in (V1, V2, V3)] == [V3, V3, V3]
    assert BOTH.newest("giving.fee.recorded.v1") == "giving.fee.recorded.v1"
    assert Upcasts().newest(V1) == V1


@pytest.mark.parametrize(
    ("name", "says"),
    [("gift", "names no type"), ("giving.gift.received.v0", "names no type"), (V2, "nothing leads from .*v1 to it")],
)
def test_a_chain_that_does_not_hang_together_is_refused(name: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Upcasts({name: with_country})
