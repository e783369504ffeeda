"""Erasing somebody: once, in an order that every crash leaves whole, and told with proof (A8, D1, D2, D9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ledger import canonical, merkle
from ledger.grammar import encode_base64
from ledger.types import Command
from server.audit import events
from server.erasure import eraser as module
from server.errors import StartRefused
from server.vault.subjects import HeldKey
from tests.server.erasure.world import HOUR_US, World
from tests.support.logs import books_gift


async def erase(world: World, name: str) -> Any:
    """Ask and do, as `secondwind erase` does."""
    identity, _ = await world.keys(name)
    requested = await world.eraser.request(identity, "dana", "asked by letter")
    return await world.eraser.erase(identity, requested, "dana")


async def test_the_erased_do_not_open_and_everybody_else_does(world: World) -> None:
    ada, bob = await world.give("ada", 2), await world.give("bob")
    assert (await world.opened(ada[0]))["giver"] == {"name": "ada"}
    done = await erase(world, "ada")
    for position in ada:
        left = await world.opened(position)
        assert "giver" not in left
        assert "note" not in left
        assert left["request"] == {"event": "evt_1"}
    assert (await world.opened(bob[0]))["giver"] == {"name": "bob"}
    assert done.entries == 2


async def test_what_is_told_binds_the_entries_that_were_erased(world: World) -> None:
    """A8: number, root over leaf hashes and the entries behind it: an auditor holds what does not open against it."""
    positions = await world.give("ada", 3)
    done = await erase(world, "ada")
    entries = {one.position: one for one in await world.books.reader.entries(0, 100)}
    root = encode_base64(merkle.root([entries[position].leaf_hash for position in positions]))
    told = canonical.parse_entry((await world.trail.reader.entries(done.completed, 1))[0].bytes)
    assert told.data == {"entries": 3, "gone_by": done.gone_by, "group": "identity", "root": root}
    assert told.refers_to == (done.requested,)
    covered = await world.database.writer.fetch("select * from erasure_covered order by position")
    assert [tuple(row) for row in covered] == [(done.completed, "books", position) for position in positions]


async def test_the_database_keeps_no_box_of_the_erased_and_no_row_that_leads_to_them(world: World) -> None:
    await world.give("ada", 2)
    identity, audit = await world.keys("ada")
    await erase(world, "ada")
    boxes = str(await world.database.writer.fetch("select boxes from ledger_slots"))
    assert identity.id not in boxes
    assert audit.id in boxes
    assert [one.position for one in world.forgotten] == [one.position for one in await sealed_by(world, audit)]
    assert await world.database.writer.fetchval("select count(*) from erasure_entries") == 0


async def sealed_by(world: World, key: HeldKey) -> list[Any]:
    return await world.eraser.sealed_by([key.id])


async def test_twice_is_the_same_answer_and_one_event(world: World) -> None:
    await world.give("ada")
    identity, _ = await world.keys("ada")
    done = await erase(world, "ada")
    assert await world.eraser.erase(identity, done.requested, "somebody else") == done
    assert await world.told(events.ERASURE_COMPLETED) == 1


STEPS = ["the key", "the removal", "the list"]


@pytest.mark.parametrize("step", STEPS)
async def test_what_a_crash_cut_short_is_finished_on_the_next_start(
    world: World, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D2: before the audit event, before the removal, before the list says done: always the same end, told once."""
    positions = await world.give("ada", 2)
    identity, _ = await world.keys("ada")
    requested = await world.eraser.request(identity, "dana", "asked by letter")
    with monkeypatch.context() as crash:
        name = {"the key": "_tell", "the removal": "_remove", "the list": "_remove"}[step]
        whole = getattr(module.Eraser, name)

        async def cut(self: Any, *arguments: Any) -> None:
            if step == "the list":
                await whole(self, *arguments)
            raise ConnectionResetError("the process is gone")

        crash.setattr(module.Eraser, name, cut)
        with pytest.raises(ConnectionResetError):
            await world.eraser.erase(identity, requested, "dana")
    assert world.keyring.subjects.load(identity.id) is None
    assert await world.eraser.replay() == 1
    assert await world.eraser.replay() == 0
    done = world.keyring.erased.find(identity.id)
    assert done is not None
    assert (done.entries, done.requested) == (2, requested)
    assert await world.told(events.ERASURE_REQUESTED) == 1
    assert await world.told(events.ERASURE_COMPLETED) == 1
    assert "giver" not in await world.opened(positions[0])


async def test_a_restored_database_is_erased_again_and_its_own_log_told(world: World) -> None:
    """D2: the old audit log knows of no request, the old slots hold the boxes: both are put right."""
    await world.give("ada", 2)
    identity, _ = await world.keys("ada")
    listed = module.Erasure(identity.id, "identity", 999, "dana", "2026-10-06", 1_001, 2, "cm9vdA==")
    world.keyring.erased.write(listed)
    assert await world.eraser.replay() == 1
    done = world.keyring.erased.find(identity.id)
    assert done is not None
    request = await world.trail.request_at(done.requested)
    assert request is not None
    assert request.key_id == identity.id
    assert done.entries == 2
    assert await sealed_by(world, identity) == []
    assert await world.eraser.replay() == 0


async def test_a_gift_that_overtook_the_erasure_is_covered_by_the_next_replay(world: World) -> None:
    """Sealed before the key went, appended after: it does not open, and an event says so."""
    holder_gifts = await world.give("ada")
    identity, _ = await world.keys("ada")
    sealed = (await world.books.reader.slots(holder_gifts))[holder_gifts[0]]
    done = await erase(world, "ada")
    await world.books.writer.append(Command(drafts=(replace(books_gift(), private=sealed),)))
    assert await world.eraser.replay() == 1
    again = world.keyring.erased.find(identity.id)
    assert again is not None
    assert again.completed != done.completed
    assert again.entries == 1


async def test_what_the_law_holds_takes_two_persons_and_three_days(world: World) -> None:
    """A8, D9: one person alone, or two in a hurry, shred no evidence."""
    positions = await world.give("ada")
    _, audit = await world.keys("ada")
    with pytest.raises(StartRefused, match="identity is not erased"):
        await world.eraser.request(audit, "dana", "too old")
    await erase(world, "ada")
    requested = await world.eraser.request(audit, "Dana", "older than ten years")
    with pytest.raises(StartRefused, match="second person"):
        await world.eraser.approve(requested, " dana ")
    with pytest.raises(StartRefused, match="72 hours"):
        await world.eraser.approve(requested, "eve")
    assert (await world.opened(positions[0]))["request"] == {"event": "evt_1"}
    world.ahead_us = 73 * HOUR_US
    done = await world.eraser.approve(requested, "eve")
    assert await world.opened(positions[0]) == {}
    assert done.entries == 1
    assert await world.eraser.approve(requested, "fay") == done
    assert await world.told(events.ERASURE_APPROVED) == 1


@pytest.mark.parametrize("position", [-1, 0, 10_000])
async def test_only_a_request_can_be_approved(world: World, position: int) -> None:
    with pytest.raises(StartRefused, match="asks for no erasure"):
        await world.eraser.approve(position, "eve")
