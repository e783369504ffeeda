"""The parts behind the edge: the logs with their writers and readers, and what everybody behind it shares."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

from ledger.batches import BatchKey
from ledger.reader import LogReader
from ledger.store import Writer, WriterLimits
from server import birth
from server.audit import AuditTrail
from server.birth import SERVED_LOGS, LogIdentity
from server.keyring import Keyring
from server.payments.companions import COMPANIONS as PAYMENTS_COMPANIONS
from server.payments.inbox import Inbox
from server.payments.pending_fees import PendingFees
from server.payments.stripe_api import StripeAPI
from server.publishing.companions import COMPANIONS as PUBLISHING_COMPANIONS

if TYPE_CHECKING:
    from ledger.types import LogName
    from server.db import Database
    from server.instance import Instance
    from server.settings import Settings
    from server.tasks import Tasks
    from server.vault import KeyStore, Vault
    from server.wakeups import Wakeups

STRIPE_KEY_ABSENT = "absent"
CLOSE_TIMEOUT_S = 2.0

_log = logging.getLogger(__name__)


def clock_us() -> int:
    """This machine's µs since 1970."""
    return time.time_ns() // 1_000


def clock_s() -> int:
    """This machine's whole seconds since 1970."""
    return clock_us() // 1_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that works behind the edge. Built by `open`, set to work by `server.roles`, ended by `close`."""

    settings: Settings
    database: Database
    instance: Instance
    keys: KeyStore
    keyring: Keyring
    vault: Vault
    wakeups: Wakeups
    tasks: Tasks
    readers: Mapping[LogName, LogReader]
    writers: Mapping[LogName, Writer]
    identities: Mapping[LogName, LogIdentity]
    epochs: Mapping[LogName, int]
    trail: AuditTrail
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
            "audit": LogReader(database.writer, "audit"),
            "public": LogReader(database.publisher, "public"),
        }
        if await readers["public"].head() is not None:
            birth.check_keys(keys)
        keyring = Keyring.open(settings)
        keyring.check()
        vault, batch_key = keyring.vault(), birth.batch_key(keys)
        make = partial(_make_writer, settings, database, batch_key, wakeups)
        await birth.ensure_logs(database.writer, settings, keys, make, readers)
        identities = {log: await birth.identify(readers[log], log) for log in SERVED_LOGS}
        birth.check_identity(identities["public"], settings)
        epochs = {log: (await readers[log].existing_head()).epoch for log in SERVED_LOGS}
        writers = {log: make(epochs[log], log) for log in SERVED_LOGS}
        for writer in writers.values():
            await writer.start()
        stripe = StripeAPI(settings.stripe_api_key or STRIPE_KEY_ABSENT, settings.stripe_api_base)
        trail = AuditTrail(writers["audit"], identities["audit"].origin, birth.registry("audit"), vault)
        inbox = Inbox(database.writer, vault, wakeups)
        fees = PendingFees(database.writer, vault, wakeups)
        return cls(
            settings,
            database,
            instance,
            keys,
            keyring,
            vault,
            wakeups,
            tasks,
            readers,
            writers,
            identities,
            epochs,
            trail,
            inbox,
            fees,
            stripe,
        )

    async def close(self) -> None:
        """Commit what waits, then end. A database that neither answers nor goes away is not waited for any longer.

        Nothing is cancelled: asyncpg would answer that with a cancel request, and a COMMIT must never get one (attacks
        E5). Whoever still waits has been told nothing, and the connections are cut right after this.
        """
        closing = [asyncio.create_task(writer.close(), name=f"writer of {log}") for log, writer in self.writers.items()]
        _, late = await asyncio.wait(closing, timeout=CLOSE_TIMEOUT_S)
        for task in late:
            _log.warning("the %s did not end within %.1f s", task.get_name(), CLOSE_TIMEOUT_S)
        self.keyring.subjects.close()
        await self.stripe.close()


def _make_writer(  # noqa: PLR0913, PLR0917 - partially applied: the first four are the process's, the last two the log's
    settings: Settings,
    database: Database,
    batch_key: BatchKey,
    wakeups: Wakeups,
    epoch: int,
    log: LogName,
) -> Writer:
    on_commit: Callable[[int], None] = lambda _size: wakeups.notify(log)  # noqa: E731 - it closes over the log
    companions: dict[LogName, Mapping[str, str]] = {
        "books": PAYMENTS_COMPANIONS,
        "audit": {},
        "public": PUBLISHING_COMPANIONS,
    }
    return Writer(
        database.publisher if log == "public" else database.writer,
        log,
        epoch=epoch,
        batch_key=batch_key,
        clock=clock_us,
        companions=companions[log],
        limits=WriterLimits(partition_entries=settings.partition_entries),
        on_commit=on_commit,
    )
