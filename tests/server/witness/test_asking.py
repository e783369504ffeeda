"""Asking witnesses: what they cosign is kept and served, and no witness, however bad, holds anything up."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import pytest
from aiohttp import web

from ledger import cosignature, merkle, note
from ledger.checkpoint import Checkpoint
from ledger.witness import SIZE_TYPE, Seen
from server.public.proofs import ProofReads
from server.wakeups import Wakeups
from server.witness import asking as asking_module
from server.witness.asking import Asking
from server.witness.standing import WitnessReads
from tests.server.public.small_log import KEY, SmallLog
from tests.server.witness.peers import Peer, peers, policy_of
from tests.support.service import async_until

NOW_S = 1_000


def asking_of(log: SmallLog, witnesses: list[Peer], **changes: Any) -> Asking:
    values: dict[str, Any] = {"interval_s": 0.01, "clock_s": lambda: NOW_S, "answer_timeout_s": 0.3, **changes}
    proofs = ProofReads(log.database.reader)
    return Asking(log.database.signer, proofs, policy_of(witnesses, len(witnesses)), **values)


async def once(asking: Asking) -> int:
    async with asking.session() as session:
        return await asking.round(session)


async def grown(log: SmallLog, size: int) -> None:
    await log.grow(size)
    await log.sign()


async def test_every_witness_cosigns_each_newest_checkpoint_and_its_line_is_served(log: SmallLog) -> None:
    async with peers("one", "two") as witnesses:
        asking = asking_of(log, witnesses)
        assert await once(asking) == 0  # nothing is signed yet
        for size in (30, 43, 300):
            await grown(log, size)
            assert await once(asking) == 2
        assert await once(asking) == 0  # nothing is new
        newest = await WitnessReads(log.database.reader, policy_of(witnesses, 2)).newest()
        assert newest is not None
        assert (newest.size, newest.time_s) == (300, NOW_S)
        found = cosignature.read(newest.note, [w.cosigner.verify_key for w in witnesses])
        assert {c.key for c in found} == {w.cosigner.verify_key for w in witnesses}
        assert note.open(newest.note, [KEY.verify_key]).names == (KEY.name,)


async def test_a_witness_that_knows_another_size_is_asked_again_from_there(log: SmallLog) -> None:
    """409 both ways: the witness is further than we remember, and it lost nothing but our memory of it."""
    async with peers("one") as witnesses:
        (one,) = witnesses
        await grown(log, 30)
        assert await once(asking_of(log, witnesses)) == 1
        await grown(log, 43)
        assert await once(asking_of(log, witnesses)) == 1  # a process that starts anew without remembering
        assert one.questions == [0, 0, 30]
        again = asking_of(log, witnesses)
        await again.remember()
        await grown(log, 50)
        assert await once(again) == 1
        assert one.questions[3:] == [43]


async def test_a_checkpoint_that_stays_the_newest_is_cosigned_again_in_time(log: SmallLog) -> None:
    async with peers("one") as witnesses:
        now_s = NOW_S
        asking = asking_of(log, witnesses, clock_s=lambda: now_s)
        await grown(log, 30)
        assert await once(asking) == 1
        now_s = witnesses[0].time_s = NOW_S + asking_module.RENEWAL_S
        assert await once(asking) == 1
        newest = await WitnessReads(log.database.reader, policy_of(witnesses, 1)).newest()
        assert newest is not None
        assert newest.time_s == now_s


def answering(status: int, body: bytes = b"", kind: str = "text/plain") -> Any:
    async def answer() -> web.StreamResponse:
        return web.Response(status=status, body=body, headers={"Content-Type": kind, "Location": "http://127.0.0.1:9/"})

    return answer


OTHER = Peer("other", cosignature.Cosigner("one.example.org", bytes([99]) * 32))
FORGED = OTHER.cosigner.line(Checkpoint(KEY.name, 1, bytes(32)).text(), 5).encode()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (answering(500, b"no"), "it answered 500"),
        (answering(302), "it answered 302"),
        (answering(404), "it answered 404"),
        (answering(200), "malformed|U\\+2014|signature"),
        (answering(200, FORGED), "no cosignature"),
        (answering(200, b"x" * 100_000), "longer than"),
        (answering(200, b"\xff\n"), "U\\+2014"),
        (answering(409, b"7\n"), "no text/x.tlog.size"),
        (answering(409, b"+7\n", SIZE_TYPE), "tells no size"),
        (answering(409, b"7" * 30 + b"\n", SIZE_TYPE), "tells no size"),
        (answering(409, b"7\n", SIZE_TYPE), "409 to 3 questions"),
    ],
)
async def test_an_answer_that_is_no_cosignature_is_logged_and_nothing_is_kept(
    log: SmallLog, answer: Any, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with peers("one", "two") as witnesses:
        witnesses[0].answer = answer
        await grown(log, 30)
        asking = asking_of(log, witnesses)
        assert await once(asking) == 1
        assert asking.standings[0].failures == 1
        newest = await WitnessReads(log.database.reader, policy_of(witnesses, 1)).newest()
        assert newest is not None
        assert newest.vkeys == (witnesses[1].cosigner.vkey,)
    (record,) = [r for r in caplog.records if r.name == asking_module.__name__]
    assert record.levelno == logging.WARNING
    assert re.search(says, record.getMessage())


@pytest.mark.parametrize("time_s", [0, NOW_S + 301, 2**53 - 1])
async def test_a_cosignature_by_a_wrong_clock_is_not_kept(log: SmallLog, time_s: int) -> None:
    """Freshness is judged by these times: one from the future would stay fresh for ever."""
    async with peers("one") as witnesses:
        witnesses[0].time_s = time_s
        await grown(log, 30)
        assert await once(asking_of(log, witnesses)) == 0
        assert await WitnessReads(log.database.reader, policy_of(witnesses, 1)).newest() is None


@pytest.mark.parametrize("ahead", [True, False], ids=["ahead of us", "another history"])
async def test_a_witness_that_saw_more_or_other_than_we_have_is_an_alarm(
    log: SmallLog, caplog: pytest.LogCaptureFixture, *, ahead: bool
) -> None:
    """E6, A3: an older backup was restored, or two histories were signed: the operator must hear of it."""
    async with peers("one") as witnesses:
        witnesses[0].seen = Seen(500, bytes(32)) if ahead else Seen(30, merkle.node_hash(bytes(32), bytes(32)))
        await grown(log, 40)
        assert await once(asking_of(log, witnesses)) == 0
    (record,) = [r for r in caplog.records if r.name == asking_module.__name__]
    assert record.levelno == logging.CRITICAL
    assert ("older backup" if ahead else "422") in record.getMessage()


async def test_a_witness_that_never_answers_delays_neither_checkpoints_nor_the_others(log: SmallLog) -> None:
    """A3: the round ends with the time-out, the others' lines are kept, and the silent one is asked more rarely."""
    async with peers("one", "two") as witnesses:
        silent, quick = witnesses
        silent.answer = silent.never
        asking = asking_of(log, witnesses, interval_s=60.0)
        await log.grow(30)
        began = asyncio.get_running_loop().time()
        await log.sign()
        task = asyncio.create_task(once(asking))
        await async_until(lambda: bool(silent.questions and quick.questions), "both are asked")
        await log.grow(50)
        await log.sign()  # the signer does not wait for anybody
        assert not task.done() or asyncio.get_running_loop().time() - began >= 0.3
        assert await task == 1
        assert await once(asking) == 1
        assert len(silent.questions) == 1


async def test_a_witness_that_is_away_is_asked_again_when_it_is_back(log: SmallLog) -> None:
    async with peers("one") as witnesses:
        asking = asking_of(log, witnesses)
        await grown(log, 30)
        right, asking.standings[0].spec = (
            asking.standings[0].spec,
            asking.standings[0].spec._replace(url="http://127.0.0.1:9"),
        )
        assert await once(asking) == 0
        asking.standings[0].spec = right
        async with asyncio.timeout(10):
            while not await once(asking):
                await asyncio.sleep(0.01)
        assert asking.standings[0].failures == 0


async def test_the_loop_follows_new_checkpoints_until_it_is_cancelled(log: SmallLog) -> None:
    async with peers("one") as witnesses:
        told: list[int] = []
        asking = asking_of(log, witnesses, on_witnessed=lambda: told.append(witnesses[0].seen.size))
        wakeups = Wakeups()
        await grown(log, 30)
        task = asyncio.create_task(asking.run(wakeups))
        await async_until(lambda: told == [30], "the first is cosigned")
        await grown(log, 40)
        wakeups.notify("checkpoint:public")
        await async_until(lambda: told == [30, 40], "the second is cosigned")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
