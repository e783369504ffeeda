"""The index of who stands where: complete at every moment, and the same when it is rebuilt."""

from __future__ import annotations

from ledger.projector import Projector
from server.erasure.projections import BOOKS
from tests.server.erasure.world import World


async def fold(world: World) -> None:
    projector = Projector(world.database.writer, BOOKS)
    await projector.start()
    while await projector.step():
        pass


async def test_the_index_and_what_it_has_not_reached_yet_are_both_found_and_erased(world: World) -> None:
    before = await world.give("ada", 2)
    await fold(world)
    await world.give("bob")
    after = await world.give("ada")
    identity, _ = await world.keys("ada")
    assert [one.position for one in await world.eraser.sealed_by([identity.id])] == before + after
    requested = await world.eraser.request(identity, "dana", "asked by letter")
    assert (await world.eraser.erase(identity, requested, "dana")).entries == 3
    query = "select count(*) from erasure_entries where key_id = $1"
    assert await world.database.writer.fetchval(query, identity.id) == 0
    assert await world.eraser.sealed_by([identity.id]) == []


async def test_rebuilt_it_knows_everybody_but_the_erased(world: World) -> None:
    """D4: the same again, without whoever was erased."""
    await world.give("ada", 2)
    bob = await world.give("bob")
    await fold(world)
    identity, _ = await world.keys("ada")
    requested = await world.eraser.request(identity, "dana", "asked by letter")
    await world.eraser.erase(identity, requested, "dana")
    writer = world.database.writer
    rows = "select key_id, position from erasure_entries order by key_id"
    left = [tuple(row) for row in await writer.fetch(rows)]
    await writer.execute("delete from erasure_entries_books")
    await writer.execute("update ledger_tracking set next = 0 where projection = 'erasure_entries_books'")
    await fold(world)
    assert [tuple(row) for row in await writer.fetch(rows)] == left
    assert sorted(position for _, position in left).count(bob[0]) == 2
    assert identity.id not in {key_id for key_id, _ in left}
