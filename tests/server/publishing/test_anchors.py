"""Anchors on real logs: one per interval whoever asks, openable by what is kept beside it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import sql
from ledger import anchor, canonical
from ledger.grammar import encode_base64
from ledger.reader import LogReader, StoredCheckpoint
from ledger.types import LogName
from server.db import Database
from server.publishing.anchors import ANCHOR_RECORDED, COMPANION, INTERVAL_US, Anchors
from tests.support.logs import TestLog, born_log, make_writer

QUERIES = sql.load("publishing")
NOTE = "example.org/test/books\n5\nAAAA\n\n— sig\n"


@asynccontextmanager
async def born(database: Database) -> AsyncIterator[TestLog]:
    """A log that was born by one role and is appended to by the publisher's."""
    async with born_log(database.writer) as log:
        writer = make_writer(database.publisher, "public", companions={COMPANION: QUERIES.anchor_companion})
        await writer.start()
        yield dataclasses.replace(log, writer=writer)
        await writer.close()


class Reader:
    """A log whose newest checkpoint is `note`."""

    def __init__(self, note: str | None) -> None:
        self.note = note

    async def newest_checkpoint(self) -> StoredCheckpoint | None:
        return None if self.note is None else StoredCheckpoint(5, bytes(32), self.note, 0)


def anchors(log: TestLog, clock: Callable[[], int], books: str | None = NOTE, number: int = 1) -> Anchors:
    readers: dict[LogName, LogReader] = {"books": Reader(books), "audit": Reader(None)}  # type: ignore[dict-item]  # what is asked of them
    return Anchors(readers, log.writer, clock, lambda size: bytes([number]) * size)


async def recorded(log: TestLog) -> list[tuple[int, str]]:
    """(position, commitment) of each anchor in the log."""
    entries = [canonical.parse_entry(entry.bytes) for entry in await log.reader.entries(0)]
    return [(entry.position, str(entry.data["commitment"])) for entry in entries if entry.type == ANCHOR_RECORDED]


async def test_an_anchor_stands_once_per_interval_and_what_opens_it_is_kept(database: Database) -> None:
    async with born(database) as log:
        now = [10 * INTERVAL_US]
        made = anchors(log, lambda: now[0])
        assert [await made.step(), await made.step()] == [1, 0]
        now[0] += INTERVAL_US - 1
        assert await made.step() == 0
        now[0] += 1
        assert await made.step() == 1
        rows = await database.publisher.fetch(QUERIES.anchors_from, 0, 10)
        kept = [(r["position"], encode_base64(anchor.commitment(r["nonce"], r["notes"]))) for r in rows]
        assert kept == await recorded(log)
        assert [row["notes"] for row in rows] == [[NOTE, ""]] * 2


async def test_a_clock_that_was_far_ahead_once_does_not_end_the_anchors(database: Database) -> None:
    """Attacks E12, A10: the claim keeps an interval from being anchored twice, not what one process remembers."""
    async with born(database) as log:
        now = [10 * INTERVAL_US]
        made = anchors(log, lambda: now[0])
        for interval in (10, 500_000, 11, 12):
            now[0] = interval * INTERVAL_US
            assert await made.step() == 1
        now[0] = 10 * INTERVAL_US
        assert await made.step() == 0
        assert len(await recorded(log)) == 4


async def test_two_processes_and_a_restart_record_one_anchor_between_them(database: Database) -> None:
    async with born(database) as log:
        made = [anchors(log, lambda: 7 * INTERVAL_US, number=number) for number in range(1, 5)]
        assert sorted(await asyncio.gather(*(one.step() for one in made))) == [0, 0, 0, 1]
        assert len(await recorded(log)) == 1
        assert len(await database.publisher.fetch(QUERIES.anchors_from, 0, 10)) == 1


async def test_a_clock_that_goes_back_records_nothing_twice(database: Database) -> None:
    async with born(database) as log:
        now = [9 * INTERVAL_US]
        made = anchors(log, lambda: now[0])
        assert await made.step() == 1
        now[0] -= 2 * INTERVAL_US
        assert await made.step() == 0


async def test_an_idle_log_is_anchored_with_bytes_that_look_like_any_other(database: Database) -> None:
    """Attacks B12: nothing but the commitment differs between a busy log, an idle one and one without a checkpoint."""
    async with born(database) as log:
        before = (await log.reader.existing_head()).size
        for interval, note in enumerate((NOTE, NOTE, None), 5):
            assert await anchors(log, lambda interval=interval: interval * INTERVAL_US, note, interval).step() == 1  # type: ignore[misc]  # bound now
        entries = [stored.bytes for stored in await log.reader.entries(before)]
        assert len({len(entry) for entry in entries}) == 1
