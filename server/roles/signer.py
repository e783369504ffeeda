"""The signer's role: one signer per log, held against what it remembers before anything is served."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ledger.signer import Signer, SignerRefuses
from ledger.signer_state import PublishDirectory, StateFile
from server import birth
from server.birth import SERVED_LOGS
from server.errors import StartRefused
from server.exports.papers import keep_papers
from server.loops import follow
from server.parts import clock_us

if TYPE_CHECKING:
    from ledger.types import LogName
    from server.parts import Parts


def start(parts: Parts) -> None:
    """Set a signer per log to work."""
    for log in SERVED_LOGS:
        parts.tasks.start(f"signer of {log}", partial(_sign, parts, log))


async def check(parts: Parts) -> None:
    """Hold what the signers remember against what they find, before anything is served. Raises StartRefused."""
    for log in SERVED_LOGS:
        try:
            await signer(parts, log).start()
        except SignerRefuses as error:
            raise StartRefused(error.sentence, error.remedy) from None
        key = birth.signing_key(parts.keys, log, parts.identities[log].origin)
        await keep_papers(parts.database.signer, log, key, parts.keys)


def signer(parts: Parts, log: LogName) -> Signer:
    """The signer of one log, as it is put together in this deployment."""
    return Signer(
        parts.database.signer,
        log,
        birth.signing_key(parts.keys, log, parts.identities[log].origin),
        batch_public_key=birth.batch_key(parts.keys).public,
        state=StateFile(parts.instance.signer / f"{log}.json"),
        directory=PublishDirectory(parts.instance.publish / log),
        clock=clock_us,
        on_checkpoint=lambda _checkpoint, _note: parts.wakeups.notify(f"checkpoint:{log}"),
    )


async def _sign(parts: Parts, log: LogName) -> None:
    one = signer(parts, log)
    await one.start()
    await follow(parts.wakeups, log, one.step, pause_s=parts.settings.checkpoint_interval_s)
