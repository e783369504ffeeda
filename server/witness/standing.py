"""What witnesses have said of the public log so far, for whoever asks: /status, /metrics, `checkpoint.witnessed`.

Read from the stored lines, so every process can tell it, whichever of them asks the witnesses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sql
from ledger.note import VerifyKey

if TYPE_CHECKING:
    import asyncpg

    from ledger.witness_policy import WitnessPolicy
    from server.health import Check, Fact

SIZES_READ_MAX = 16
"""Newest cosigned sizes that are looked through for one that has a quorum; a round makes one."""
STALE_S = 1_500
"""As anchors: 25 minutes after the last one a reader calls the log stale."""
_QUERIES = sql.load("public")


@dataclass(frozen=True, slots=True)
class WitnessedCheckpoint:
    """A checkpoint with cosignatures. `note`: lines included. `time_s`: when it had its quorum; None: it has none."""

    size: int
    note: str
    vkeys: tuple[str, ...]
    time_s: int | None


class WitnessReads:
    """Reads over the pool of the role `reader`, judged by a policy."""

    def __init__(self, pool: asyncpg.Pool, policy: WitnessPolicy) -> None:
        self._pool = pool
        self.policy = policy

    async def newest(self) -> WitnessedCheckpoint | None:
        """The newest checkpoint that has the quorum; where none has it, the newest that anybody cosigned, or None."""
        found = [self._judged(row) for row in await self._pool.fetch(_QUERIES.cosigned, SIZES_READ_MAX)]
        return next((one for one in found if one.time_s is not None), found[0] if found else None)

    async def newest_note(self) -> str | None:
        """The note of `newest`."""
        newest = await self.newest()
        return None if newest is None else newest.note

    def facts(self, clock_s: Callable[[], int]) -> dict[str, Fact]:
        """For /status: who witnesses this log and how long ago a quorum last did; `nobody` is said (attacks A3)."""

        async def witnessed() -> dict[str, object]:
            newest = await self.newest()
            if newest is None:
                return {"by": []}
            names = {spec.key.vkey: spec.name for spec in self.policy.witnesses.values()}
            told: dict[str, object] = {
                "by": [names.get(v, v.partition("+")[0]) for v in newest.vkeys],
                "size": newest.size,
            }
            if newest.time_s is not None:
                told["quorum_age_s"] = clock_s() - newest.time_s
            return told

        return {"witnessed": witnessed}

    def check(self, clock_s: Callable[[], int]) -> Check:
        """A check that a quorum has cosigned lately, where the policy asks for one: a warning, nothing waits for it."""

        async def check() -> str | None:
            if self.policy.quorum is None:
                return None
            newest = await self.newest()
            if newest is None or newest.time_s is None:
                return "no checkpoint has its quorum of witnesses"
            age_s = clock_s() - newest.time_s
            return None if age_s <= STALE_S else f"a quorum of witnesses cosigned last {age_s} s ago"

        return check

    def _judged(self, row: asyncpg.Record) -> WitnessedCheckpoint:
        times = {VerifyKey.parse(vkey): time_s for vkey, time_s in zip(row["vkeys"], row["times"], strict=True)}
        note = row["note"] + "".join(row["lines"])
        return WitnessedCheckpoint(row["size"], note, tuple(row["vkeys"]), self.policy.quorum_value(times))
