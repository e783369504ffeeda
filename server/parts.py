"""The parts behind the edge: logs with their writers and readers, workers, publisher, projector, signers."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

import sql
from ledger.batches import BatchKey
from ledger.projector import Projection, Projector
from ledger.reader import LogReader
from ledger.signer import Signer, SignerRefuses
from ledger.signer_state import PublishDirectory, StateFile
from ledger.store import Writer, WriterLimits
from server import birth
from server.birth import SERVED_LOGS, LogIdentity
from server.domains.giving.projections import GiftsProjection
from server.errors import StartRefused
from server.loops import follow
from server.payments.booking import Books
from server.payments.companions import COMPANIONS as PAYMENTS_COMPANIONS
from server.payments.declared import DeclaredRules
from server.payments.fees import FeeWorker
from server.payments.inbox import Inbox
from server.payments.pending_fees import PendingFees
from server.payments.stripe_api import StripeAPI
from server.payments.worker import InboxWorker
from server.public.projection import ListsProjection
from server.publishing.publisher import COMPANION as PUBLISHER_COMPANION
from server.publishing.publisher import Publisher
from server.vault import Vault

if TYPE_CHECKING:
    from ledger.types import LogName
    from server.db import Database
    from server.instance import Instance
    from server.settings import Settings
    from server.tasks import Tasks
    from server.vault import KeyStore
    from server.wakeups import Wakeups

STRIPE_KEY_ABSENT = "absent"
SWEEP_INTERVAL_S = 3_600.0
CLOSE_TIMEOUT_S = 2.0

_log = logging.getLogger(__name__)


def clock_us() -> int:
    """This machine's µs since 1970."""
    return time.time_ns() // 1_000


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that works behind the edge. Built by `open`, set to work by `start`, ended by `close`."""

    settings: Settings
    database: Database
    instance: Instance
    keys: KeyStore
    vault: Vault
    wakeups: Wakeups
    tasks: Tasks
    readers: Mapping[LogName, LogReader]
    writers: Mapping[LogName, Writer]
    identities: Mapping[LogName, LogIdentity]
    epochs: Mapping[LogName, int]
    inbox: Inbox
    fees: PendingFees
    stripe: StripeAPI

    @classmethod
    async def open(  # noqa: PLR0913, PLR0917 - what the parts stand on
        cls,
        settings: Settings,
        database: Database,
        keys: KeyStore,
        instance: Instance,
        wakeups: Wakeups,
        tasks: Tasks,
    ) -> Self:
        """Create the logs that do not exist yet, check those that do, and start their writers. Raises StartRefused."""
        readers: dict[LogName, LogReader] = {
            "books": LogReader(database.writer, "books"),
            "public": LogReader(database.publisher, "public"),
        }
        if await readers["public"].head() is not None:
            birth.check_keys(keys)
        vault, batch_key = Vault(keys), birth.batch_key(keys)
        make = partial(_make_writer, settings, database, batch_key, wakeups)
        await birth.ensure_logs(database.writer, settings, keys, partial(make, 1), readers)
        identities = {log: await birth.identify(readers[log], log) for log in SERVED_LOGS}
        birth.check_identity(identities["public"], settings)
        epochs = {log: (await readers[log].existing_head()).epoch for log in SERVED_LOGS}
        writers = {log: make(epochs[log], log) for log in SERVED_LOGS}
        for writer in writers.values():
            await writer.start()
        stripe = StripeAPI(settings.stripe_api_key or STRIPE_KEY_ABSENT, settings.stripe_api_base)
        inbox = Inbox(database.writer, vault, wakeups)
        fees = PendingFees(database.writer, vault, wakeups)
        return cls(
            settings,
            database,
            instance,
            keys,
            vault,
            wakeups,
            tasks,
            readers,
            writers,
            identities,
            epochs,
            inbox,
            fees,
            stripe,
        )

    def start(self, roles: Collection[str]) -> None:
        """Set the roles of this process to work."""
        self.tasks.start("wake-ups", partial(self.wakeups.bridge, self.database.url))
        if "worker" in roles:
            self._start_workers()
        if "publisher" in roles:
            self.tasks.start("publisher", partial(follow, self.wakeups, "books", self._publisher().step))
        if "signer" in roles:
            for log in SERVED_LOGS:
                self.tasks.start(f"signer of {log}", partial(self._sign, log))

    async def close(self) -> None:
        """Commit what waits, then end. A database that neither answers nor goes away is not waited for any longer.

        Nothing is cancelled: asyncpg would answer that with a cancel request, and a COMMIT must never get one (attacks
        E5). Whoever still waits has been told nothing, and the connections are cut right after this.
        """
        closing = [asyncio.create_task(writer.close(), name=f"writer of {log}") for log, writer in self.writers.items()]
        _, late = await asyncio.wait(closing, timeout=CLOSE_TIMEOUT_S)
        for task in late:
            _log.warning("the %s did not end within %.1f s", task.get_name(), CLOSE_TIMEOUT_S)
        await self.stripe.close()

    def _start_workers(self) -> None:
        time_zone = ZoneInfo(self.identities["books"].time_zone)
        name = f"{os.uname().nodename}-{os.getpid()}"
        books = Books(self.writers["books"], self.readers["books"], self.vault, self.identities["books"].origin)
        rules = DeclaredRules(self.database.writer, time_zone)
        inbox_worker = InboxWorker(name, self.inbox, books, rules, self.fees)
        self.tasks.start("inbox worker", partial(inbox_worker.run, self.wakeups))
        if self.settings.stripe_api_key is not None:
            fee_worker = FeeWorker(name, self.fees, books, self.stripe, time_zone)
            self.tasks.start("fee worker", partial(fee_worker.run, self.wakeups))
        self.tasks.start("projection of gifts", partial(self._project, GiftsProjection()))
        self.tasks.start("projection of public lists", partial(self._project, ListsProjection()))
        self.tasks.start("sweeper", self._sweep)

    async def _project(self, projection: Projection) -> None:
        projector = Projector(self.database.writer, projection)
        await projector.start()
        await follow(self.wakeups, projection.log, projector.step)

    async def _sweep(self) -> None:
        """Forget the bodies of old notices and the keys of old days, once an hour."""
        async with self.wakeups.listen("sweep") as waiter:
            while True:
                while await self.inbox.sweep():
                    pass
                self.vault.destroy_old_day_keys()
                await waiter.wait(SWEEP_INTERVAL_S)

    async def _sign(self, log: LogName) -> None:
        signer = self.signer(log)
        await signer.start()
        pause_s = self.settings.checkpoint_interval_s
        await follow(self.wakeups, log, signer.step, pause_s=pause_s)

    def signer(self, log: LogName) -> Signer:
        """The signer of one log; only the process with the role `signer` may ask for it."""
        return Signer(
            self.database.signer,
            log,
            birth.signing_key(self.keys, log, self.identities[log].origin),
            batch_public_key=birth.batch_key(self.keys).public,
            state=StateFile(self.instance.signer / f"{log}.json"),
            directory=PublishDirectory(self.instance.publish / log),
            clock=clock_us,
            on_checkpoint=lambda _checkpoint, _note: self.wakeups.notify(f"checkpoint:{log}"),
        )

    async def check_signers(self) -> None:
        """Hold what the signers remember against what they find, before anything is served. Raises StartRefused."""
        for log in SERVED_LOGS:
            try:
                await self.signer(log).start()
            except SignerRefuses as error:
                raise StartRefused(error.sentence, error.remedy) from None

    def _publisher(self) -> Publisher:
        return Publisher(
            pool=self.database.publisher,
            queries=sql.load("publishing"),
            books=LogReader(self.database.publisher, "books"),
            books_origin=self.identities["books"].origin,
            books_registry=birth.registry("books"),
            public=self.writers["public"],
            public_origin=self.identities["public"].origin,
            public_registry=birth.registry("public"),
            time_zone=ZoneInfo(self.identities["public"].time_zone),
            vault=self.vault,
            clock=clock_us,
        )


def _make_writer(  # noqa: PLR0913, PLR0917 - partially applied: the first four are the process's, the last two the log's
    settings: Settings,
    database: Database,
    batch_key: BatchKey,
    wakeups: Wakeups,
    epoch: int,
    log: LogName,
) -> Writer:
    on_commit: Callable[[int], None] = lambda _size: wakeups.notify(log)  # noqa: E731 - it closes over the log
    companions = (
        {PUBLISHER_COMPANION: sql.load("publishing").publisher_companion} if log == "public" else PAYMENTS_COMPANIONS
    )
    return Writer(
        database.publisher if log == "public" else database.writer,
        log,
        epoch=epoch,
        batch_key=batch_key,
        clock=clock_us,
        companions=companions,
        limits=WriterLimits(partition_entries=settings.partition_entries),
        on_commit=on_commit,
    )
