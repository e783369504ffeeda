"""What the audit log knows of what was given away before an erasure (D7)."""

from __future__ import annotations

from server.audit import events
from tests.server.erasure.world import World


async def test_who_was_given_an_opening_or_an_export_of_the_erased_is_found(world: World) -> None:
    ada, bob = await world.give("ada"), await world.give("bob")
    for position, recipient in ((ada[0], "the court"), (bob[0], "a journalist")):
        await world.trail.record(
            events.opening_given(log="books", position=position, slots=["giver"], actor="dana", recipient=recipient)
        )
    for start, end, recipient in ((0, ada[0] + 1, "Auditors"), (bob[0], bob[0] + 9, "Others")):
        await world.trail.record(
            events.export_given(log="books", start=start, end=end, actor="dana", recipient=recipient)
        )
    given = await world.trail.given({("books", ada[0])})
    assert [(one.what, one.recipient) for one in given] == [
        (f"giver of books {ada[0]}", "the court"),
        (f"what the key opens of books 0 to {ada[0]}", "Auditors"),
    ]
    assert await world.trail.given({("public", ada[0])}) == []


async def test_a_request_is_read_back_as_it_was_written(world: World) -> None:
    await world.give("ada")
    identity, _ = await world.keys("ada")
    position = await world.eraser.request(identity, "dana", "asked by letter")
    request = await world.trail.request_at(position)
    assert request is not None
    assert (request.group, request.key_id, request.actor) == ("identity", identity.id, "dana")
    assert await world.trail.request_at(position + 1) is None
    assert await world.trail.request_at(0) is None
