"""Anchors: every ten minutes, busy or idle, `public` commits to the newest checkpoints of the other logs.

The rhythm never changes, so it tells nothing (attacks B12), and the newest anchor's age says whether the log is served
fresh (attacks A10). What opens an anchor is kept beside it for auditors, saved in the transaction that appends it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ledger import anchor
from ledger.errors import ClaimTaken
from ledger.grammar import encode_base64
from ledger.reader import LogReader
from ledger.types import Appended, Claim, Command, Companion, Draft, LogName

INTERVAL_US = 600_000_000
BACK_INTERVALS_MAX = 6
POLL_INTERVAL_S = 5.0
COMPANION = "publishing.anchor"
ANCHOR_RECORDED = "ledger.anchor.recorded.v1"

_log = logging.getLogger(__name__)


class Appender(Protocol):
    """The writer of `public`."""

    async def append(self, command: Command) -> Appended:
        """Append as `ledger.store.Writer` does."""


@dataclass(slots=True)
class Anchors:
    """Records an anchor per interval. `clock` gives µs since 1970, `random` that many random bytes."""

    readers: Mapping[LogName, LogReader]
    public: Appender
    clock: Callable[[], int]
    random: Callable[[int], bytes]
    _done: int = field(default=-1, init=False)

    async def step(self) -> int:
        """Record the anchor of this interval; 0 when it is recorded already, by whomever.

        Intervals are counted from 1970, so that processes and restarts agree which one it is; one that passed while
        nothing ran is not made up for.
        """
        interval = self.clock() // INTERVAL_US
        # A clock set back a little waits; what is further ahead was a wrong clock's and must not end the anchors (E12).
        if interval <= self._done <= interval + BACK_INTERVALS_MAX:
            return 0
        nonce = self.random(anchor.NONCE_BYTES)
        newest = [await self.readers[log].newest_checkpoint() for log in anchor.ANCHORED]
        notes = ["" if checkpoint is None else checkpoint.note for checkpoint in newest]
        draft = Draft(ANCHOR_RECORDED, {"commitment": encode_base64(anchor.commitment(nonce, notes))})
        companion = Companion(COMPANION, {"nonce": encode_base64(nonce), "notes": notes})
        claim = Claim("anchor", interval.to_bytes(32, "big"))
        try:
            await self.public.append(Command((draft,), claims=(claim,), companion=companion))
        except ClaimTaken as error:
            _log.info("the anchor of this interval stands at %d already", error.position)
            self._done = interval
            return 0
        self._done = interval
        return 1
