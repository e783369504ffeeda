"""What each simulated process does when it starts: the wiring of `server.parts`, on simulated storage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sql
from ledger.anchor import ANCHORED
from ledger.batches import BatchKey
from ledger.errors import Refused, Unavailable
from ledger.note import SigningKey
from ledger.projector import Projector
from ledger.reader import LogReader
from ledger.signer import SignerRefuses
from ledger.store import Writer, WriterLimits
from ledger.types import LogName
from server import birth
from server.domains.giving.projections import GiftsProjection
from server.publishing.anchors import COMPANION as ANCHORS_COMPANION
from server.publishing.anchors import POLL_INTERVAL_S as ANCHORS_POLL_S
from server.publishing.publisher import COMPANION
from server.tasks import Tasks
from server.wakeups import Wakeups
from tests.simulation import witnessing
from tests.simulation.database import Pool
from tests.simulation.totals import Totals
from tests.support.logs import BATCH_SEED, KEY_SEED, origin_of

if TYPE_CHECKING:
    from tests.simulation.world import World

Condition = Callable[[], bool]
CHECKPOINT_INTERVAL_S = 0.05
ASK_AGAIN_S = 0.3
MONTHS_POLL_S = 0.5
LOGS: tuple[LogName, ...] = ("books", "public")
SIGNER = "signer"


async def host(world: World, wakeups: Wakeups) -> None:
    """Writers of both logs, publisher, anchors, closers, projections, and those who ask for bookings."""
    parts = world.scenario.parts
    pool: Any = Pool(world.database)
    readers = {log: LogReader(pool, log) for log in LOGS}
    epochs = {log: (await readers[log].existing_head()).epoch for log in LOGS}
    writers = {log: _writer(world, pool, log, epochs[log], wakeups) for log in LOGS}
    for writer in writers.values():
        await writer.start()
    publisher = parts.publisher(
        pool=pool,
        queries=sql.load("publishing"),
        books=readers["books"],
        books_origin=origin_of("books"),
        books_registry=birth.registry("books"),
        public=writers["public"],
        public_origin=origin_of("public"),
        public_registry=birth.registry("public"),
        time_zone=ZoneInfo("UTC"),
        vault=world.vault,
        clock=world.clock_us,
    )
    anchored: Any = {log: LogReader(pool, log) for log in ANCHORED}
    anchors = parts.anchors(anchored, writers["public"], world.clock_us, world.nonces.randbytes)
    tasks = Tasks()
    for log in LOGS:
        closer = parts.closer(pool, readers[log], writers[log], world.clock_us)
        closing = partial(parts.follow, wakeups, "months", closer.step, poll_interval_s=MONTHS_POLL_S)
        tasks.start(f"closer of {log}", closing)
    tasks.start("publisher", partial(parts.follow, wakeups, "books", publisher.step))
    tasks.start("anchors", partial(parts.follow, wakeups, "anchors", anchors.step, poll_interval_s=ANCHORS_POLL_S))
    for projection in (GiftsProjection(), Totals()):
        projector = parts.projector(pool, projection)
        tasks.start(projection.name, partial(_project, world, wakeups, projector))
    for number in range(world.scenario.callers):
        tasks.start(f"caller {number}", partial(_ask, world, writers["books"]))
    await asyncio.get_running_loop().create_future()


async def signer(world: World, wakeups: Wakeups) -> None:
    """The signers of both logs, and beside them those who ask the witness."""
    tasks = Tasks()
    pool = Pool(world.database)
    for log in LOGS:
        tasks.start(f"signer of {log}", partial(_sign, world, wakeups, pool, log))
    witnessing.ask(world, tasks, pool, wakeups)
    await asyncio.get_running_loop().create_future()


class ObservedKey(SigningKey):
    """The log's key; each signature is held against what may be signed at that moment."""

    def __init__(self, world: World, log: LogName) -> None:
        super().__init__(origin_of(log), KEY_SEED)
        self._world = world
        self._log: LogName = log

    def sign(self, text: str) -> str:
        self._world.observer.signs(self._log, text)
        return super().sign(text)


def _writer(world: World, pool: Any, log: LogName, epoch: int, wakeups: Wakeups) -> Writer:
    queries = sql.load("publishing")
    of_public = {COMPANION: queries.publisher_companion, ANCHORS_COMPANION: queries.anchor_companion}
    companions = of_public if log == "public" else {}
    return world.scenario.parts.writer(
        pool,
        log,
        epoch=epoch,
        batch_key=BatchKey(BATCH_SEED),
        clock=world.clock_us,
        companions=companions,
        limits=WriterLimits(ahead_len_min=1),  # so that few gifts are enough for it to plan ahead
        on_commit=lambda _size: wakeups.notify(log),
    )


async def _project(world: World, wakeups: Wakeups, projector: Projector) -> None:
    await projector.start()
    await world.scenario.parts.follow(wakeups, "books", projector.step)


async def _sign(world: World, wakeups: Wakeups, pool: Any, log: LogName) -> None:
    parts = world.scenario.parts
    made = parts.signer(
        pool,
        log,
        ObservedKey(world, log),
        batch_public_key=BatchKey(BATCH_SEED).public,
        state=parts.state_file(world.disks[SIGNER].path(f"/signer/{log}.json")),  # type: ignore[arg-type]  # what it uses of one
        directory=parts.directory(world.disks[SIGNER].path(f"/publish/{log}")),  # type: ignore[arg-type]  # what it uses of one
        clock=world.clock_us,
        on_checkpoint=lambda _checkpoint, _note: wakeups.notify(f"checkpoint:{log}"),
    )
    try:
        await made.start()
        await parts.follow(wakeups, log, made.step, pause_s=CHECKPOINT_INTERVAL_S)
    except SignerRefuses as error:
        world.observer.fault(f"the signer refuses, and nobody restored anything: {error}")


async def _ask(world: World, writer: Writer) -> None:
    """Ask for what is not booked yet, until nothing is left to ask for."""
    loop = world.loop
    while not all(request.settled for request in world.asked):
        ready = [
            request
            for request in world.asked
            if not request.settled
            and request.due_s <= loop.time()
            and (request.keyed or not request.asked)
            and (request.after is None or request.after.answer is not None)
        ]
        if not ready:
            await asyncio.sleep(ASK_AGAIN_S * loop.dice.random())
            continue
        request = loop.dice.choice(ready)
        request.asked = True
        try:
            answer = await writer.append(request.command())
        except Refused as error:
            world.observer.refused(request, error)
        except Unavailable:
            await asyncio.sleep(ASK_AGAIN_S * loop.dice.random())
        else:
            world.observer.acknowledged(request, answer)
