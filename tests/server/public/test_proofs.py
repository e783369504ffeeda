"""Proofs are read from one snapshot, and never under a checkpoint whose entries are not there."""

from __future__ import annotations

import pytest

from server.public.proofs import Consistency, NotCovered, ProofReads, covered_size, snapshot
from tests.server.http.serving import Edge
from tests.server.public.small_log import SmallLog


async def test_a_proof_is_read_from_one_snapshot_while_the_log_grows(log: SmallLog) -> None:
    """Attacks E14: proof, size and checkpoint are of one moment."""
    await log.grow(255)
    await log.sign()
    reads = ProofReads(log.database.reader)
    async with (
        log.database.reader.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        before = await connection.fetchval("select max(size) from ledger_checkpoints_public")
        await log.grow(300)
        await log.sign()
        assert await connection.fetchval("select max(size) from ledger_checkpoints_public") == before == 255
    attempt = await reads.entry(254)
    assert attempt.text is not None
    assert "\n300\n" in attempt.text


async def test_a_checkpoint_ahead_of_the_entries_held_is_not_used(log: SmallLog, edge: Edge) -> None:
    """Attacks E14: a replica that lags answers at the newest checkpoint that it can prove."""
    await log.grow(40)
    await log.sign()
    await log.insert_checkpoint(999, bytes(32), "ahead")
    assert b"\n40\n" in (await edge.get("/ledger/checkpoint")).body
    assert b"\n40\n" in (await edge.get("/api/v1/ledger/proof/39")).body


async def test_the_earliest_checkpoint_that_covers_a_size_answers_for_it(log: SmallLog) -> None:
    for size in (40, 60):
        await log.grow(size)
        await log.sign()
    async with snapshot(log.database.reader) as connection:
        found = {size: await covered_size(connection, size) for size in (1, 40, 41, 60, 61)}
    assert {size: covered and covered.checkpoint_size for size, covered in found.items()} == {
        1: 40, 40: 40, 41: 60, 60: 60, 61: None,
    }  # fmt: skip


@pytest.mark.parametrize(("first", "last"), [(41, None), (1, 41), (41, 41), (30, 20)])
async def test_sizes_beyond_the_newest_checkpoint_are_not_covered(log: SmallLog, first: int, last: int | None) -> None:
    await log.grow(40)
    await log.sign()
    assert await ProofReads(log.database.reader).consistency(first, last) == NotCovered(40)


async def test_a_size_is_consistent_with_itself_by_an_empty_proof(log: SmallLog) -> None:
    await log.grow(40)
    await log.sign()
    found = await ProofReads(log.database.reader).consistency(40, 40)
    assert isinstance(found, Consistency)
    assert (found.path, found.last.way, found.root) == ([], [], found.last.root)
