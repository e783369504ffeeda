"""`/ledger/checkpoint.witnessed`, and the lines under `/ledger/checkpoint`."""

from __future__ import annotations

from ledger import cosignature, note, witness_policy
from ledger.witness_policy import WitnessPolicy
from server.http.routes import Route
from server.public import routes as public
from server.public.reads import PublicReads
from server.witness import served
from server.witness.standing import WitnessReads
from tests.server.http.serving import assert_problem, serving
from tests.server.public.small_log import KEY, SmallLog
from tests.server.witness.peers import policy_of
from tests.server.witness.test_standing import ONE, TWO, cosign


def rows(log: SmallLog, policy: WitnessPolicy) -> list[Route]:
    reader = log.database.reader
    return served.routes(WitnessReads(reader, policy), PublicReads(reader).key_entries)


async def test_the_policy_names_the_log_s_keys_in_force_and_whom_it_asks(log: SmallLog) -> None:
    await log.grow(30)
    policy = policy_of([ONE, TWO], 2)
    async with serving(rows(log, policy)) as edge:
        answer = await edge.get("/ledger/policy")
    told = witness_policy.parse(answer.body.decode())
    assert told.logs == {KEY.name: [KEY.verify_key]}
    assert (told.witnesses, told.groups, told.quorum) == (policy.witnesses, policy.groups, policy.quorum)


async def test_a_log_that_nobody_witnesses_says_so(log: SmallLog) -> None:
    """A3: "witnessed by: nobody"."""
    await log.grow(30)
    await log.sign()
    async with serving(rows(log, policy_of([ONE], 1))) as edge:
        assert_problem(await edge.get("/ledger/checkpoint.witnessed"), 404, "checkpoint-not-witnessed")


async def test_lines_stand_under_the_checkpoint_that_they_are_about_and_under_no_other(log: SmallLog) -> None:
    async with serving([*rows(log, policy_of([ONE, TWO], 2)), *public.routes(log.database.reader)]) as edge:
        await log.grow(30)
        await log.sign()
        plain = (await edge.get("/ledger/checkpoint")).body.decode()
        lines = [await cosign(log, peer, 30, 500) for peer in (ONE, TWO)]
        newest = await edge.get("/ledger/checkpoint")
        assert newest.body.decode() in {plain + "".join(lines), plain + "".join(lines[::-1])}
        await log.grow(40)
        await log.sign()
        answer = await edge.get("/ledger/checkpoint.witnessed")
        assert answer.body == newest.body
        assert (await edge.get("/ledger/checkpoint.witnessed", If_None_Match=answer.headers["etag"])).status == 304
        after = (await edge.get("/ledger/checkpoint")).body.decode()
        assert after.split("\n")[1] == "40"
        assert cosignature.read(after, [ONE.cosigner.verify_key]) == []
        proof = (await edge.get("/api/v1/ledger/proof/3")).body.decode()
        assert note.open(proof.partition("\n\n")[2], [KEY.verify_key]).names == (KEY.name,)
        assert "\n40\n" in proof
