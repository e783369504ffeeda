"""The simulation bites: each part is broken in a way that looks harmless, and some seed has to show it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

import ledger.signer_state
import sql
from ledger import witness
from ledger.plan import Plan
from ledger.projector import Projector
from ledger.signer import Signer
from ledger.signer_state import SignerState, StateFile
from ledger.store import Writer
from ledger.transactions import transaction
from ledger.types import Command, Draft, StoredEntry
from server.closing.closer import Closer
from server.loops import follow
from server.publishing.publisher import Publisher
from server.witness.asking import Asking, Standing
from server.witness.keeper import Keeper
from tests.simulation.invariants import Violation
from tests.simulation.runs import every_step, run
from tests.simulation.scenario import Parts, Scenario, drawn
from tests.simulation.tables import Row, Transaction
from tests.simulation.test_simulation import LATE
from tests.simulation.witnessing import COSIGNER

SEEDS_MAX = 240
LEDGER, PUBLISHING, WITNESS = sql.load("ledger"), sql.load("publishing"), sql.load("witness")


class ForgetfulPublisher(Publisher):
    """Publishes first and marks afterwards, in a transaction of its own."""

    async def _pass(self, start: int, end: int, drafts: list[Draft], waiting: list[dict[str, object]]) -> None:
        if drafts:
            await self.public.append(Command(tuple(drafts)))
        await self.pool.execute(self.queries.publisher_advance, start, end, orjson.dumps(waiting).decode())


class DoubleProjector(Projector):
    """Saves what it did and how far it is in two transactions."""

    async def _apply(self, connection: Any, limit: int) -> int:
        tracking = await connection.fetchrow(LEDGER.tracking, self._projection.name)
        rows = await connection.fetch(LEDGER.entries, "books", tracking["next"], limit)
        async with transaction(self._pool) as own:
            await self._projection.apply(own, [StoredEntry(*row) for row in rows])
        await connection.execute(LEDGER.advance_tracking, self._projection.name, tracking["next"] + len(rows))
        return len(rows)


class PessimisticWriter(Writer):
    """Takes a COMMIT without an answer for one that did not happen."""

    async def _happened(self, plan: Plan) -> bool:  # noqa: ARG002 - that is the fault
        return False

    async def _arrived(self, connection: Any, lost: Any) -> Plan | None:  # noqa: ARG002 - that is the fault
        return None


class OptimisticWriter(Writer):
    """Takes a COMMIT without an answer for one that did happen."""

    async def _happened(self, plan: Plan) -> bool:  # noqa: ARG002 - that is the fault
        return True


class HastyWriter(Writer):
    """Looks for a lost batch once, and not again under the lock of the next attempt."""

    async def _locked(self, connection: Any, commands: Any, lost: Any) -> Plan:  # noqa: ARG002 - that is the fault
        return await super()._locked(connection, commands, ())


class CredulousWriter(Writer):
    """Takes the database's clock for the time that it is."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._committer._is_skewed = lambda _now_us: False  # type: ignore[method-assign]  # that is the fault


class LateSigner(Signer):
    """Publishes, and saves its state afterwards."""

    async def step(self) -> int:
        genuine, self._file = self._file, Unsaved(self._file)
        try:
            done = await super().step()
        finally:
            self._file = genuine
        if done and self._state is not None:
            await asyncio.to_thread(self._file.save, self._state)
        return done


class TrustingSigner(Signer):
    """Takes the state it finds at its start for a durable one."""

    async def start(self) -> None:
        genuine, self._file = self._file, Unsaved(self._file)
        try:
            await super().start()
        finally:
            self._file = genuine


class Unsaved(StateFile):
    """Reads and does not write."""

    def __init__(self, genuine: StateFile) -> None:
        super().__init__(genuine._path)

    def save(self, state: SignerState) -> None:
        """Forget it."""


class PatientSigner(Signer):
    """Signs no further before the witness has cosigned what was signed."""

    async def step(self) -> int:
        newest = await self._pool.fetchrow(LEDGER.newest_checkpoint, "public")
        reached = await self._pool.fetch(WITNESS.reached, [COSIGNER.vkey])
        if newest is not None and (not reached or reached[0]["size"] < newest["size"]):
            return 0
        return await super().step()


class HastyKeeper(Keeper):
    """Answers, and writes down afterwards what it answered."""

    async def _in_turn(self, work: Callable[..., Any], *arguments: Any) -> Any:
        if work != self._cosign:
            return await super()._in_turn(work, *arguments)
        request = arguments[0]
        witness.decide(request, self._load(self._path(request.checkpoint.origin))[0])
        self._later = asyncio.create_task(super()._in_turn(work, *arguments))
        return self._key.line(request.checkpoint.text(), self._clock_s())


class TrustingKeeper(Keeper):
    """Takes the files it finds at its start for durable ones."""

    def _settle(self) -> None:
        """Sync nothing."""


class OffendedAsking(Asking):
    """Asks no more once it was not answered."""

    async def _ask(self, session: Any, standing: Standing, newest: Any) -> bool:
        return not standing.failures and await super()._ask(session, standing, newest)


def decide_unproved(request: witness.Request, seen: witness.Seen) -> witness.Seen:
    """Believe that a checkpoint goes on from what was cosigned."""
    if request.old_size != seen.size:
        raise witness.WitnessRefusal(409, "another size", known_size=seen.size)
    return witness.Seen(request.checkpoint.size, request.checkpoint.root_hash)


class SleepyCloser(Closer):
    """Leaves the months of `public` to somebody else."""

    async def step(self) -> int:
        return 0 if self.reader.log == "public" else await super().step()


async def follow_without_poll(*arguments: Any, **options: Any) -> None:
    """Lean on wake-ups alone."""
    await follow(*arguments, **options | {"poll_interval_s": 1e6})


async def advance_without_comparing(tx: Transaction, _now_us: int, payloads: list[str], *_rest: object) -> list[Row]:
    """Move the publisher's mark wherever it was before."""
    for payload in payloads:
        row = tx.get("tracking", "publisher")
        if row is not None:
            tx.put("tracking", "publisher", row=row.but(next=orjson.loads(payload)["to"]))
    return []


async def keep_nothing(_tx: Transaction, _now_us: int, *_columns: object) -> list[Row]:
    """Leave what opens an anchor to somebody else."""
    return []


def shown_by_some_seed(make: Callable[[int], Scenario], words: str) -> None:
    for seed in range(SEEDS_MAX):
        try:
            run(make(seed))
        except Violation as violation:
            shown = str(violation)
            break
    else:
        pytest.fail(f"no seed below {SEEDS_MAX} showed it")
    assert re.search(words, shown)
    assert f"SECONDWIND_SIMULATION_SEED={seed}" in shown


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (Parts(publisher=ForgetfulPublisher), "published are"),
        (Parts(handlers={PUBLISHING.publisher_companion: advance_without_comparing}), "published are|those that wait"),
        (Parts(handlers={PUBLISHING.anchor_companion: keep_nothing}), "cannot be opened"),
        (Parts(closer=SleepyCloser), "waited 150 s for publisher, projections and signers"),
        (Parts(projector=DoubleProjector), "totals are not|giving_gifts is not"),
        (Parts(writer=PessimisticWriter), "is booked 2 times"),
        (Parts(writer=OptimisticWriter), "was acknowledged at"),
        (Parts(writer=CredulousWriter), "s ahead"),
        (Parts(signer=LateSigner), "before the state that says so is durable"),
        (Parts(signer=TrustingSigner), "before the state that says so is durable"),
        (Parts(signer=PatientSigner), "waited 150 s for publisher, projections and signers"),
        (Parts(keeper=HastyKeeper), "heard of before they were kept"),
        (Parts(asking=OffendedAsking), "s for the newest checkpoint to be cosigned"),
        (Parts(follow=follow_without_poll), "waited 150 s for publisher, projections and signers"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_a_broken_part_is_shown(parts: Parts, words: str) -> None:
    shown_by_some_seed(lambda seed: drawn(seed, parts=parts), words)


def test_a_writer_that_looks_only_once_is_shown() -> None:
    parts = Parts(writer=HastyWriter)
    shown_by_some_seed(lambda seed: drawn(seed, parts=parts, gifts=30, **LATE), "is booked 2 times")


def test_a_state_file_whose_name_is_not_synced_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.signer_state, "sync", lambda _directory: None)
    shown_by_some_seed(drawn, "before the state that says so is durable")


def test_a_witness_that_takes_what_it_finds_for_durable_is_shown() -> None:
    killed = [replace(scenario, parts=Parts(keeper=TrustingKeeper)) for scenario in every_step("witness")]
    with pytest.raises(Violation, match="heard of before they were kept"):
        all(run(scenario) for scenario in killed)


def test_a_witness_that_asks_for_no_proof_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "decide", decide_unproved)
    shown_by_some_seed(drawn, "of another history")
