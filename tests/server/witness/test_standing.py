"""Who vouches for what, judged by the policy: the newest checkpoint with its quorum, and since when."""

from __future__ import annotations

import sql
from ledger import note
from ledger.cosignature import Cosigner
from ledger.witness_policy import WitnessPolicy
from server.witness.standing import SIZES_READ_MAX, STALE_S, WitnessReads
from tests.server.public.small_log import SmallLog
from tests.server.witness.peers import Peer, policy_of

ONE, TWO, THREE = (Peer(name, Cosigner(name, bytes([n]) * 32), "http://x") for n, name in enumerate(("a", "b", "c")))


async def cosign(log: SmallLog, peer: Peer, size: int, time_s: int) -> str:
    """Store what this witness says about a size that was signed; returns its line."""
    text = await log.database.signer.fetchval("select note from ledger_checkpoints where size = $1", size)
    line = peer.cosigner.line(note.split(text)[0], time_s)
    await log.database.signer.execute(sql.load("witness").store, size, peer.cosigner.vkey, time_s, line)
    return line


async def signed(log: SmallLog, *sizes: int) -> None:
    for size in sizes:
        await log.grow(size)
        await log.sign()


async def test_the_newest_checkpoint_with_the_quorum_is_preferred_to_a_newer_one_without(log: SmallLog) -> None:
    reads = WitnessReads(log.database.reader, policy_of([ONE, TWO, THREE], 2))
    await signed(log, 30, 40, 50)
    assert await reads.newest() is None
    assert await reads.facts(lambda: 0)["witnessed"]() == {"by": []}
    await cosign(log, ONE, 50, 130)
    newest = await reads.newest()
    assert newest is not None
    assert (newest.size, newest.time_s) == (50, None)
    assert await reads.facts(lambda: 0)["witnessed"]() == {"by": ["a"], "size": 50}
    for peer, time_s in ((ONE, 100), (TWO, 110), (THREE, 90)):
        await cosign(log, peer, 30, time_s)
    newest = await reads.newest()
    assert newest is not None
    assert (newest.size, newest.time_s) == (30, 100)  # since then two of the three have said so
    assert await reads.facts(lambda: 107)["witnessed"]() == {"by": ["a", "b", "c"], "size": 30, "quorum_age_s": 7}


async def test_the_same_witness_twice_is_no_quorum_of_two(log: SmallLog) -> None:
    reads = WitnessReads(log.database.reader, policy_of([ONE, TWO], 2))
    await signed(log, 30)
    await cosign(log, ONE, 30, 100)
    line = await cosign(log, ONE, 30, 120)
    await cosign(log, ONE, 30, 110)  # an answer that came late takes nothing back
    newest = await reads.newest()
    assert newest is not None
    assert newest.time_s is None
    assert newest.note.endswith(line)
    assert newest.vkeys == (ONE.cosigner.vkey,)


async def test_a_witness_that_the_policy_does_not_name_makes_no_quorum(log: SmallLog) -> None:
    await signed(log, 30)
    await cosign(log, THREE, 30, 100)
    newest = await WitnessReads(log.database.reader, policy_of([ONE, TWO], 1)).newest()
    assert newest is not None
    assert newest.time_s is None


async def test_so_many_newest_sizes_are_looked_through(log: SmallLog) -> None:
    sizes = range(30, 31 + SIZES_READ_MAX)
    await signed(log, *sizes)
    for size in sizes:
        await cosign(log, ONE, size, size)
    reads = WitnessReads(log.database.reader, policy_of([ONE, TWO], 2))
    await cosign(log, TWO, sizes[0], 5)
    newest = await reads.newest()
    assert newest is not None
    assert newest.time_s is None
    await cosign(log, TWO, sizes[1], 5)
    newest = await reads.newest()
    assert newest is not None
    assert newest.size == sizes[1]


async def test_a_quorum_that_is_missing_or_old_is_a_warning(log: SmallLog) -> None:
    reads = WitnessReads(log.database.reader, policy_of([ONE, TWO], 2))
    await signed(log, 30)
    assert await reads.check(lambda: 1_000)() == "no checkpoint has its quorum of witnesses"
    for peer in (ONE, TWO):
        await cosign(log, peer, 30, 1_000)
    assert await reads.check(lambda: 1_000 + STALE_S)() is None
    assert await reads.check(lambda: 1_001 + STALE_S)() == "a quorum of witnesses cosigned last 1501 s ago"
    assert await WitnessReads(log.database.reader, WitnessPolicy()).check(lambda: 0)() is None
