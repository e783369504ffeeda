"""Booking a fact on the real writer: decided on what the stream holds, and again when it moved on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from ledger.errors import GuardRefused, VersionConflict
from ledger.types import Command, Companion
from server.domains.giving.commands import ReceiveGift
from server.domains.giving.decide import Decided, Gift, NotHeld, Repeated, receive_gift
from server.domains.giving.outgoing import pay_help, set_float
from server.domains.giving.outgoing_commands import PayHelp, SetFloat
from server.keyring import Keyring
from server.payments.booking import DECISIONS_MAX, Booked, Booking
from server.payments.companions import FEE_KNOWN
from server.payments.givers import customer_name
from server.settings import Settings
from tests.server.payments.builders import IDS, charge, event, movement
from tests.server.payments.world import World

STREAM = b"\x07" * 32
NOTHING_ELSE = Companion(FEE_KNOWN, {"stream": STREAM.hex()})


def booking(world: World, asset: str = "USD/2", amount: int = 100) -> Booking[Repeated | NotHeld]:
    command = ReceiveGift(amount, asset, None, cover_fees=False, visibility="live", occurred_at_s=1_764_000_000)

    def decide(state: Gift) -> Decided | Repeated | NotHeld:
        return receive_gift(state, command, world.rules.rules, STREAM)

    return Booking(STREAM, decide, NOTHING_ELSE)


@pytest.fixture
async def world(world: World) -> World:
    await world.rules.read()
    return world


async def test_a_fact_is_booked_once_and_then_found(world: World) -> None:
    first = await world.books.book(booking(world))
    assert isinstance(first, Booked)
    assert await world.books.book(booking(world)) == Repeated(first.position)


async def test_twenty_at_the_same_time_book_once_and_the_others_find_it(world: World) -> None:
    answers = await asyncio.gather(*(world.books.book(booking(world)) for _ in range(20)))
    booked = [answer for answer in answers if isinstance(answer, Booked)]
    assert len(booked) == 1
    assert {answer.position for answer in answers if isinstance(answer, Repeated)} == {booked[0].position}


async def test_a_refusal_writes_nothing(world: World) -> None:
    assert await world.books.book(booking(world, asset="EUR/2")) == NotHeld("EUR/2")
    assert await world.entries() == []


async def test_each_decision_is_made_on_what_the_stream_holds_then(world: World) -> None:
    seen: list[int | None] = []
    real = booking(world)

    def decide(state: Gift) -> Decided | Repeated | NotHeld:
        seen.append(state.position)
        return real.decide(state)

    async def overtake(_command: Command) -> None:
        world.writer.before = None
        await world.books.book(real)

    world.writer.before = overtake
    answer = await world.books.book(Booking(STREAM, decide, NOTHING_ELSE))
    assert isinstance(answer, Repeated)
    assert seen == [None, answer.position]


async def test_after_five_lost_races_it_gives_up(world: World) -> None:
    calls = 0

    async def overtake(_command: Command) -> None:
        nonlocal calls
        calls += 1
        raise VersionConflict(0, 1)

    world.writer.before = overtake
    with pytest.raises(VersionConflict):
        await world.books.book(booking(world))
    assert calls == DECISIONS_MAX


async def test_a_decision_that_the_money_does_not_cover_is_refused_under_the_lock(world: World) -> None:
    """Attacks C2, B14: of ten that would each empty the float, one is paid; the refusal tells no balance."""
    await world.books.book(booking(world, amount=100_000))
    aside = SetFloat(100_000, "USD/2", "general", "help", 1_764_000_000)
    event = set_float(aside, 100_000, 100_000, UTC)
    assert isinstance(event, Decided)
    await world.books.write(event.event)
    paid = pay_help(PayHelp(60_000, "USD/2", "general", "rent", 1_764_000_000), UTC).event
    answers = await asyncio.gather(*(world.books.write(paid) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(answer, Booked) for answer in answers) == 1
    refused = [answer for answer in answers if isinstance(answer, GuardRefused)]
    assert len(refused) == 9
    assert not any(character.isdigit() for character in str(refused[0]))


async def test_a_givers_keys_are_durable_before_the_gift_and_its_fee_is_sealed_under_them(
    world: World, tmp_path: Path
) -> None:
    """D2: what is in the log can be opened, whenever the process dies; one erasure ends gift and fee."""
    settings = Settings(data_dir=tmp_path)
    keyring, other_process = Keyring.open(settings), Keyring.open(settings)
    sealed_under: list[set[str]] = []

    async def look(command: Command) -> None:
        assert command.drafts[0].private is not None
        keys = {box.key_id for box in command.drafts[0].private.boxes}
        assert all(other_process.subjects.load(key_id) is not None for key_id in keys)
        sealed_under.append(keys)

    world.writer.before = look
    world.books = replace(world.books, vault=keyring.vault())
    world.provider.knows("ch_test1", movement())
    await world.deliver(event("charge.succeeded", charge(), "evt_charge"))
    await world.work()
    await world.fee_worker().run_once()
    assert len(sealed_under) == 2
    assert sealed_under[0] == sealed_under[1]
    held = keyring.subjects.find(customer_name(IDS.customer, keyring.vault().keyed_hash))
    assert {key.id for key in held} == sealed_under[0]


async def test_a_booking_that_names_nobody_can_still_be_erased(world: World, tmp_path: Path) -> None:
    world.books = replace(world.books, vault=Keyring.open(Settings(data_dir=tmp_path)).vault())
    booked = await world.books.book(booking(world))
    assert isinstance(booked, Booked)
    sealed = (await world.reader.slots([booked.position]))[booked.position]
    assert sorted(box.key_id.partition("-")[0] for box in sealed.boxes) == ["audit", "identity"]


async def test_what_tells_of_a_person_and_names_none_is_refused(world: World) -> None:
    helped = PayHelp(100, "USD/2", "rent", "rent", 1_764_000_000, {"person": "Ada"})
    decided = pay_help(helped, UTC)
    with pytest.raises(ValueError, match="tells person of somebody"):
        await world.books.write(decided.event)
