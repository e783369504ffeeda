"""The processes of witnessing: the witness itself, who asks it beside the signer, and a rival with the log's key."""

from __future__ import annotations

import asyncio
from functools import partial
from hashlib import sha256
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ledger import witness as protocol
from ledger import witness_policy
from ledger.cosignature import Cosigner
from server.http.problems import Problem
from server.public.proofs import ProofReads
from server.tasks import Tasks
from server.witness.routes import WitnessAPI
from tests.simulation.wire import Answer, Question
from tests.support.logs import key_of, origin_of
from tests.support.witnesses import path, signed

if TYPE_CHECKING:
    from server.wakeups import Wakeups
    from server.witness.keeper import Keeper
    from tests.simulation.database import Pool
    from tests.simulation.world import World

WITNESS = "witness"
RIVAL = "rival"
COSIGNER = Cosigner("witness.example.org/w1", bytes(range(96, 128)))
DIRECTORY = "/witness"
KEPT = f"{DIRECTORY}/{sha256(origin_of('public').encode()).hexdigest()}"
INTERVAL_S = 0.1
ANSWER_TIMEOUT_S = 0.5
RIVAL_INTERVAL_S = 1.0
POLICY = witness_policy.parse(f"witness w1 {COSIGNER.vkey} https://witness.example.org\nquorum w1\n")


async def witness(world: World, _wakeups: Wakeups) -> None:
    """A witness of the public log, and its two routes on the wire."""
    directory: Any = world.disks[WITNESS].path(DIRECTORY)
    logs = {origin_of("public"): [key_of("public").verify_key]}
    keeper = world.scenario.parts.keeper(COSIGNER, logs, directory, lambda: world.clock_us() // 1_000_000)
    world.wire.listen(partial(_serve, world, keeper))
    await asyncio.get_running_loop().create_future()


async def _serve(world: World, keeper: Keeper, question: Question) -> Answer:
    """One request; whatever is answered is held against what may be heard at this moment."""
    floor = world.cosigned.heard_size
    try:
        answer = await (_shown(keeper) if question.body is None else _cosigned(keeper, question.body))
    except Problem as problem:
        answer = Answer(problem.status, "application/problem+json", problem.detail.encode())
    world.cosigned.answers(question, answer, floor)
    return answer


async def _cosigned(keeper: Keeper, body: bytes) -> Answer:
    async def read() -> bytes:
        return body

    request: Any = SimpleNamespace(read=read)
    response: Any = await WitnessAPI(keeper).add_checkpoint(request)
    return Answer(response.status, response.content_type, bytes(response.body))


async def _shown(keeper: Keeper) -> Answer:
    newest = await keeper.newest(KEPT.rpartition("/")[2])
    return Answer(200, "text/plain", newest.encode()) if newest else Answer(404, "text/plain", b"")


def ask(world: World, tasks: Tasks, pool: Pool, wakeups: Wakeups) -> None:
    """Set the asking of the witness to work, beside the signers of this process."""
    any_pool: Any = pool
    asking = world.scenario.parts.asking(
        any_pool,
        ProofReads(any_pool),
        POLICY,
        interval_s=INTERVAL_S,
        clock_s=lambda: world.clock_us() // 1_000_000,
    )
    asking.session = partial(world.wire.session, ANSWER_TIMEOUT_S)  # type: ignore[method-assign,assignment]  # the wire
    tasks.start("asking witnesses", partial(asking.run, wakeups))


async def rival(world: World) -> None:
    """Shows the witness another history that the log's own key signed, and looks at what it shows (attacks A3)."""
    dice = world.loop.dice
    while True:
        await asyncio.sleep(RIVAL_INTERVAL_S * dice.random())
        if not world.cosigned.heard_size:
            continue
        body = None if dice.random() < 0.5 else _forked(world)
        world.loop.create_task(world.wire.ask(body))


def _forked(world: World) -> bytes:
    """A checkpoint of a history that differs in its first entry, with a proof that is good within that history."""
    dice, old = world.loop.dice, world.cosigned.heard_size
    new = old + dice.randrange(3)
    real = world.observer.leaves("public")[:new]
    leaves = [bytes(32), *real[1:], *([bytes(32)] * (new - len(real)))]
    way = path(old, new, leaves) if old < new else ()
    return protocol.format_request(old, way, signed(new, leaves, key_of("public"))).encode()
