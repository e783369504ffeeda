"""The eraser: writes down what is asked, destroys the key, removes what leads to it, writes down that it is done.

The order makes every crash harmless: the erasure list is durable before the key goes, and whatever is not told done in
it is finished on the next start. Doing it twice changes nothing and answers the same. After a restore the list is
replayed: what the old database brings back is removed again, and told again in its audit log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import sql
from ledger import merkle
from ledger.grammar import encode_base64
from server.audit import events
from server.erasure.listed import Erasure
from server.erasure.trail import Completed, ErasureTrail, Request
from server.errors import StartRefused
from server.vault.subjects import HeldKey
from server.vault.vault import DAY_KEY_DAYS_MAX

if TYPE_CHECKING:
    import asyncpg

    from ledger.types import LogName
    from server.erasure.listed import ErasureList
    from server.vault import SubjectKeys

WAIT_H = 72
"""Between asking for and approving what cannot be undone: time for somebody to notice."""
REPLAYED = "replayed from the erasure list"

_QUERIES = sql.load("erasure")


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry that the key seals a part of."""

    key_id: str
    log: LogName
    position: int
    type: str
    leaf_hash: bytes


Forget = Callable[[Sequence[Sealed]], Awaitable[None]]
"""What a slice keeps of entries outside the log and must forget with a person's identity."""


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases by key. `clock_us` is µs since 1970; `forgets` are asked before an identity's boxes are removed."""

    pool: asyncpg.Pool
    subjects: SubjectKeys
    listed: ErasureList
    trail: ErasureTrail
    clock_us: Callable[[], int]
    forgets: tuple[Forget, ...] = ()

    async def request(self, key: HeldKey, actor: str, reason: str) -> int:
        """Write down that a key is to be destroyed; return where that stands in `audit`.

        Raises StartRefused for the audit key of somebody whose identity is still there: that goes first.
        """
        if key.group == "audit" and await asyncio.to_thread(self.subjects.is_named, key.id):
            raise StartRefused(
                f"{key.id} belongs to somebody whose identity is not erased.", "Erase the identity first."
            )
        return await self.trail.requested(key, actor, reason)

    async def approve(self, requested: int, actor: str) -> Erasure:
        """Agree to the erasure asked for at `requested`, and carry it out.

        What the law holds takes two different persons and three days between them (attacks A8, D9): StartRefused.
        """
        request = await self.trail.request_at(requested)
        if request is None:
            raise StartRefused(
                f"Entry {requested} of audit asks for no erasure.", "Give the number that `secondwind erase` printed."
            )
        known = self.listed.find(request.key_id)
        if known is None:
            if request.group == "audit":
                self._refuse(request, actor)
            await self.trail.record(events.erasure_approved(group=request.group, request=requested, actor=actor))
        return await self.erase(HeldKey(request.key_id, request.group), requested, actor)

    def _refuse(self, request: Request, actor: str) -> None:
        if actor.strip().casefold() == request.actor.strip().casefold():
            raise StartRefused(f"{actor} asked for this erasure.", "A second person has to approve it.")
        earliest_us = request.at_us + WAIT_H * 3_600_000_000
        if self.clock_us() < earliest_us:
            earliest = f"{datetime.fromtimestamp(earliest_us / 1e6, UTC):%F %H:%M} UTC"
            raise StartRefused(
                f"This erasure was asked for less than {WAIT_H} hours ago.", f"Approve it after {earliest}."
            )

    async def erase(self, key: HeldKey, requested: int, actor: str) -> Erasure:
        """Destroy the key as asked at `requested`; return what is written down. Twice, it is what was done first."""
        known = self.listed.find(key.id)
        if known is None:
            today = datetime.fromtimestamp(self.clock_us() / 1e6, UTC).date()
            gone_by = today + timedelta(days=DAY_KEY_DAYS_MAX)
            known = Erasure(key.id, key.group, requested, actor, gone_by.isoformat())
            await asyncio.to_thread(self.listed.write, known)
        return await self._carry_out(known)

    async def replay(self) -> int:
        """Finish what was cut short and undo what a restore brought back; return how many keys needed it."""
        erased = await asyncio.to_thread(self.listed.all)
        back = {one.key_id for one in await self.sealed_by([erasure.key_id for erasure in erased])}
        needed = [
            erasure
            for erasure in erased
            if erasure.completed is None or erasure.key_id in back or self.subjects.load(erasure.key_id) is not None
        ]
        for erasure in needed:
            await self._carry_out(erasure)
        return len(needed)

    async def sealed_by(self, key_ids: Sequence[str]) -> list[Sealed]:
        """Return the entries that these keys seal a part of, by log and position."""
        return [Sealed(*row) for row in await self.pool.fetch(_QUERIES.sealed_by, list(key_ids))]

    async def _carry_out(self, erasure: Erasure) -> Erasure:
        await asyncio.to_thread(self.subjects.destroy, [erasure.key_id])
        sealed = await self.sealed_by([erasure.key_id])
        if sealed or erasure.completed is None:
            erasure = await self._tell(erasure, sealed)
        await self._remove(erasure, sealed)
        await asyncio.to_thread(self.listed.write, erasure)
        return erasure

    async def _tell(self, erasure: Erasure, sealed: Sequence[Sealed]) -> Erasure:
        """Write down what is erased, once: an answer that was lost in a crash is found again."""
        root = merkle.root([one.leaf_hash for one in sealed])
        if not await self.trail.stands(erasure):
            key = HeldKey(erasure.key_id, erasure.group)
            erasure = replace(erasure, requested=await self.trail.requested(key, erasure.actor, REPLAYED))
        told = await self.trail.completed(erasure.requested, encode_base64(root) if sealed else None)
        if told is None:
            record = events.erasure_completed(
                group=erasure.group,
                request=erasure.requested,
                entries=len(sealed),
                root=root,
                gone_by=erasure.gone_by_date,
                actor=erasure.actor,
            )
            told = Completed(await self.trail.record(record), len(sealed), encode_base64(root))
        return replace(erasure, completed=told.position, entries=told.entries, root=told.root)

    async def _remove(self, erasure: Erasure, sealed: Sequence[Sealed]) -> None:
        if erasure.group == "identity":
            for forget in self.forgets:
                await forget(sealed)
        for log in sorted({one.log for one in sealed}):
            positions = [one.position for one in sealed if one.log == log]
            await self.pool.execute(_QUERIES.cover, erasure.completed, log, positions)
            await self.pool.execute(_QUERIES.forget_boxes, log, positions, erasure.key_id)
        await self.pool.execute(_QUERIES.forget_index, erasure.key_id)
