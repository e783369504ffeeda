"""Who stands behind what waits: read from the sealed slots, and unknown where they are erased."""

from __future__ import annotations

from typing import Any

import pytest

from server.publishing import waiting
from server.publishing.waiting import CHUNK_LEN, identifiers
from tests.server.publishing.world import World


@pytest.mark.parametrize(
    ("private", "found"),
    [
        ({"giver": {"customer": "cus_1"}, "contact": {"email": " Ada@Example.org "}}, 2),
        ({"person": {"id": "p-7"}}, 1),
        ({"giver": {"name": "Ada"}, "contact": {"phone": "1"}}, 0),
        ({"giver": None, "contact": "x", "person": {"id": 7}}, 0),
        ({}, 0),
    ],
)
def test_a_person_is_known_by_number_or_address_and_never_by_name(private: dict[str, Any], found: int) -> None:
    assert len(identifiers(private)) == found


def test_an_address_is_the_same_however_it_is_written() -> None:
    one, other = ({"contact": {"email": email}} for email in (" Ada@Example.org ", "ada@example.ORG"))
    assert identifiers(one) == identifiers(other)


async def test_a_fee_knows_its_gift_its_giver_and_whether_the_gift_is_told(world: World) -> None:
    live, hidden = await world.give(500, "ada"), await world.give(500, "ada", visibility="hidden")
    for gift in (live, hidden):
        await world.fee(gift, 40)
    await world.publish()
    found = await waiting.facts(world.passes(), await waiting.read(world.passes(), ("fee",), "2026-01", 10))
    assert [(fact.gift is not None and fact.gift.position, fact.gift_waits) for fact in found] == [
        (live, False),
        (hidden, True),
    ]
    assert {fact.who for fact in found} == {"email:ada@example.org"}
    assert await waiting.read(world.passes(), ("fee",), "2025-12", 10) == []


async def test_more_than_a_chunk_is_read_in_order(world: World) -> None:
    count = CHUNK_LEN + 3
    for number in range(count):
        await world.give(100 + number, f"giver {number}", visibility="hidden")
    await world.publish()
    found = await waiting.facts(world.passes(), await waiting.read(world.passes(), ("hidden",), "2026-01", 1_000))
    assert len({fact.who for fact in found}) == count
    assert [-fact.entry.postings[1].amount for fact in found] == [100 + number for number in range(count)]
