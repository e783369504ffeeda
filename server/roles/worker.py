"""The worker: works the inbox, asks what payments cost, keeps read models current, sweeps."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ledger.projector import Projection, Projector
from server.domains.giving.projections import GiftsProjection
from server.erasure import projections
from server.expiry.projection import PendingProjection
from server.expiry.sweeper import POLL_INTERVAL_S as EXPIRY_POLL_S
from server.expiry.sweeper import Sweeper
from server.loops import follow
from server.payments.booking import Books
from server.payments.declared import DeclaredRules
from server.payments.fees import FeeWorker
from server.payments.worker import InboxWorker
from server.public.projection import ListsProjection

if TYPE_CHECKING:
    from server.parts import Parts

SWEEP_INTERVAL_S = 3_600.0


def start(parts: Parts) -> None:
    """Set the worker's tasks to work."""
    time_zone = ZoneInfo(parts.identities["books"].time_zone)
    name = f"{os.uname().nodename}-{os.getpid()}"
    books = Books(parts.writers["books"], parts.readers["books"], parts.vault, parts.identities["books"].origin)
    rules = DeclaredRules(parts.database.writer, time_zone)
    inbox_worker = InboxWorker(name, parts.inbox, books, rules, parts.fees)
    parts.tasks.start("inbox worker", partial(inbox_worker.run, parts.wakeups))
    if parts.settings.stripe_api_key is not None:
        fee_worker = FeeWorker(name, parts.fees, books, parts.stripe, time_zone)
        parts.tasks.start("fee worker", partial(fee_worker.run, parts.wakeups))
    parts.tasks.start("projection of gifts", partial(_project, parts, GiftsProjection()))
    parts.tasks.start("projection of public lists", partial(_project, parts, ListsProjection()))
    parts.tasks.start("index of people in books", partial(_project, parts, projections.BOOKS))
    parts.tasks.start("index of people in public", partial(_project, parts, projections.PUBLIC))
    parts.tasks.start("index of what is pending", partial(_project, parts, PendingProjection()))
    expiry = Sweeper(parts.database.writer, parts.readers["books"], parts.writers["books"])
    ending = partial(follow, parts.wakeups, "expiry", expiry.step, poll_interval_s=EXPIRY_POLL_S)
    parts.tasks.start("ending of what is pending", ending)
    parts.tasks.start("sweeper", partial(_sweep, parts))


async def _project(parts: Parts, projection: Projection) -> None:
    projector = Projector(parts.database.writer, projection)
    await projector.start()
    await follow(parts.wakeups, projection.log, projector.step)


async def _sweep(parts: Parts) -> None:
    """Forget the bodies of old notices and the keys of old days and weeks, once an hour."""
    async with parts.wakeups.listen("sweep") as waiter:
        while True:
            while await parts.inbox.sweep():
                pass
            parts.vault.destroy_old_day_keys()
            await asyncio.to_thread(parts.keyring.subjects.rewrap)
            await waiter.wait(SWEEP_INTERVAL_S)
