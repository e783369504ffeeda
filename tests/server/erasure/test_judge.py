"""What an auditor makes of erasures: each is proved, and nothing else may be unreadable (A8)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from ledger.registry import Registry
from ledger.types import LogName
from server import birth
from server.erasure.judge import Judged, judge
from tests.server.erasure.world import World

REGISTRIES: dict[LogName, Registry] = {"books": birth.registry("books"), "public": birth.registry("public")}


async def judged(world: World) -> Judged:
    return await judge(world.database.writer, REGISTRIES, world.keyring.subjects)


async def erase(world: World, name: str) -> None:
    identity, _ = await world.keys(name)
    requested = await world.eraser.request(identity, "dana", "asked by letter")
    await world.eraser.erase(identity, requested, "dana")


async def test_without_erasures_everything_opens(world: World) -> None:
    await world.give("ada", 2)
    assert await judged(world) == Judged(0, 2, 0, ())


async def test_an_erasure_covers_what_it_erased_and_no_more(world: World) -> None:
    await world.give("ada", 2)
    await world.give("bob")
    await erase(world, "ada")
    assert await judged(world) == Judged(1, 3, 2, ())


async def test_a_key_that_was_destroyed_without_a_word_is_found(world: World) -> None:
    """A8: whoever destroys evidence and says "erased" is asked for the event."""
    (position,) = await world.give("ada")
    _, audit = await world.keys("ada")
    world.keyring.subjects.destroy([audit.id])
    (fault,) = (await judged(world)).faults
    assert fault == f"entry {position} of books kept something of group audit that no erasure covers, and it is gone"


async def test_an_erasure_of_the_identity_excuses_no_lost_evidence(world: World) -> None:
    await world.give("ada")
    _, audit = await world.keys("ada")
    await erase(world, "ada")
    world.keyring.subjects.destroy([audit.id])
    assert "group audit" in str((await judged(world)).faults)


@pytest.mark.parametrize(
    "lie",
    [
        "insert into erasure_covered select completed, log, position + 2 from erasure_covered limit 1",
        "delete from erasure_covered where position = (select min(position) from erasure_covered)",
        "update erasure_covered set position = position + 100",
    ],
)
async def test_what_an_erasure_is_said_to_cover_is_held_against_its_root(
    world: World, lie: str, postgres_admin: Callable[[str], Awaitable[str]]
) -> None:
    """The table is an index; the number and root in the audit log are evidence."""
    await world.give("ada", 2)
    await world.give("bob")
    await erase(world, "ada")
    await postgres_admin(lie)
    assert "is of other entries than it is said to cover" in (await judged(world)).faults[0]
