"""The simulation bites: each part is broken in a way that looks harmless, and some seed has to show it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest

import ledger.signer_state
import sql
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
from tests.simulation.invariants import Violation
from tests.simulation.runs import run
from tests.simulation.scenario import Parts, Scenario, drawn
from tests.simulation.tables import Row, Transaction
from tests.simulation.test_simulation import LATE

SEEDS_MAX = 240
LEDGER, PUBLISHING = sql.load("ledger"), sql.load("publishing")


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
