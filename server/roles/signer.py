"""The signer's role: one signer per log, held against what it remembers before anything is served."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from ledger.signer import Signer, SignerRefuses
from ledger.signer_state import PublishDirectory, StateFile
from server import birth
from server.birth import SERVED_LOGS
from server.errors import StartRefused
from server.exports.papers import keep_papers
from server.files import places
from server.files.publisher import Foundation
from server.files.sidecar import Sidecar
from server.files.store import StoreAway
from server.files.tilewriter import TileWriter
from server.loops import follow
from server.parts import clock_s, clock_us
from server.promises.keys import keep_vouching
from server.public.proofs import ProofReads
from server.witness.asking import TOPIC as WITNESSED
from server.witness.asking import Asking
from server.witness.policy import read_policy

if TYPE_CHECKING:
    from ledger.held_keys import HeldKeys
    from ledger.types import LogName
    from ledger.witness_policy import WitnessPolicy
    from server.parts import Parts

_log = logging.getLogger(__name__)


def start(parts: Parts) -> None:
    """Set a signer per log to work."""
    for log in SERVED_LOGS:
        parts.tasks.start(f"signer of {log}", partial(_sign, parts, log))
    policy = read_policy(parts.settings.witnesses)
    if any(spec.url is not None for spec in policy.witnesses.values()):
        parts.tasks.start("asking witnesses", partial(_asking(parts, policy).run, parts.wakeups))


async def check(parts: Parts) -> None:
    """Hold what the signers remember against what they find, before anything is served. Raises StartRefused."""
    for log in SERVED_LOGS:
        one = signer(parts, log)
        try:
            await one.start()
        except SignerRefuses as error:
            raise StartRefused(error.sentence, error.remedy) from None
        except StoreAway as error:
            raise StartRefused(
                f"What is published cannot be compared with the database: {error}.",
                "Make SECONDWIND_PUBLISH_TO readable and writable, or unset it.",
            ) from None
        await keep_papers(parts.database.signer, log, one.current_key(), parts.keys)
        if log == "public":
            await keep_vouching(parts.database.signer, one.current_key(), parts.keys)


def signer(parts: Parts, log: LogName) -> Signer:
    """The signer of one log, as it is put together in this deployment."""
    keys = birth.signing_keys(parts.keys, log, parts.identities[log].origin)
    return Signer(
        parts.database.signer,
        log,
        keys,
        batch_public_key=birth.batch_key(parts.keys).public,
        state=StateFile(parts.instance.signer / f"{log}.json"),
        directory=PublishDirectory(parts.instance.publish / log),
        clock=clock_us,
        files=_files(parts, log, keys),
        on_checkpoint=lambda _checkpoint, _note: parts.wakeups.notify(f"checkpoint:{log}"),
    )


def _files(parts: Parts, log: LogName, keys: HeldKeys) -> TileWriter | None:
    if parts.settings.publish_to is None:
        return None
    pool, store = parts.database.writer, places.place(parts.settings.publish_to)
    files = places.files_of(store, log, parts.vault)
    beside = Sidecar(pool, log, places.sealed_of(store, log, parts.vault), parts.keyring.subjects)
    if log != "public":
        return TileWriter(pool, log, keys, files, beside=beside)
    books = places.files_of(store, "books", parts.vault)
    return TileWriter(pool, log, keys, files, beside=beside, foundation=Foundation(pool, books).wait)


def _asking(parts: Parts, policy: WitnessPolicy) -> Asking:
    return Asking(
        parts.database.signer,
        ProofReads(parts.database.reader),
        policy,
        interval_s=parts.settings.witness_interval_s,
        clock_s=clock_s,
        on_witnessed=lambda: parts.wakeups.notify(WITNESSED),
    )


async def _sign(parts: Parts, log: LogName) -> None:
    one = signer(parts, log)
    while True:
        try:
            await one.start()
            break
        except StoreAway as error:
            _log.warning("the signer of %s waits %.1f s: %s", log, error.retry_after_s, error)
            await asyncio.sleep(error.retry_after_s)
    await follow(parts.wakeups, log, one.step, pause_s=parts.settings.checkpoint_interval_s)
