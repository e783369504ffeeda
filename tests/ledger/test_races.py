"""Who waits for whom, and what the loser of a race leaves behind: nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from ledger.types import Appended, Command, Idempotency, SealedBox
from server.db import Database
from tests.support.logs import EMPTY_SLOTS, TestLog, books_gift, born_log, public_gift

KEY = Idempotency(b"k" * 32, b"r" * 32)


async def held(database: Database, log: str, other: TestLog, draft: object) -> Appended:
    """Append to one log while somebody holds the head of the other, within three seconds."""
    async with database.publisher.acquire() as holder, holder.transaction():
        await holder.fetchval("select size from ledger_heads where log = $1 for update", log)
        async with asyncio.timeout(3):
            return await other.writer.append(Command((draft,)))  # type: ignore[arg-type]  # a draft of that log


async def test_e9_no_append_waits_for_the_head_of_another_log(database: Database) -> None:
    """Attacks E9: no transaction spans two logs, so there is no order of locks to get wrong, and none waits."""
    async with born_log(database.writer) as public, born_log(database.writer, "books") as books:
        for _ in range(2):
            assert (await held(database, "public", books, books_gift(5))).count == 1
            assert (await held(database, "books", public, public_gift(5))).count == 1


async def test_e10_the_loser_of_a_race_leaves_no_salt_behind(database: Database) -> None:
    """Attacks E10: salts are sealed before the lock; of ten who ask with one key, only the winner's box stays."""
    async with born_log(database.writer) as log:
        await log.give()
        boxes = [SealedBox("identity", f"key-{n}", b"w" * 40, b"n" * 24, bytes([n]) * 64) for n in range(10)]
        sealed = [replace(EMPTY_SLOTS, boxes=(box,)) for box in boxes]
        drafts = [replace(public_gift(), private=slots) for slots in sealed]
        done = await asyncio.gather(*(log.writer.append(Command((draft,), idempotency=KEY)) for draft in drafts))
        [winner] = [number for number, answer in enumerate(done) if not answer.replayed]
        assert {answer.first for answer in done} == {done[winner].first}
        kept = await log.reader.slots(range(done[winner].first + 2))
        assert [slots.boxes for slots in kept.values() if slots.boxes] == [(boxes[winner],)]
        everything = await database.signer.fetchval("select count(*) from ledger_entries where log = 'public'")
        assert everything == done[winner].first + 1
