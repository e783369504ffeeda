"""The world of one run: hosts that do everything but sign, a signer, a database, a disk, and what befalls them."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any

import ledger.signer_state
import sql
from ledger import genesis
from ledger.batches import BatchKey
from ledger.types import LogName
from server.vault import Vault
from server.wakeups import Wakeups
from server.witness.asking import PAUSE_S_MAX, ROUND_WAIT_S
from tests.simulation import processes, witnessing
from tests.simulation.cosigned import Cosigned
from tests.simulation.database import LATENCY_S, SLOW_LATENCY_S, Database, Pool
from tests.simulation.disk import Disk
from tests.simulation.gifts import make
from tests.simulation.invariants import Observer
from tests.simulation.loop import OWNER, Killed, Loop, as_owner
from tests.simulation.scenario import QUIET, Scenario
from tests.simulation.services import HANDLERS
from tests.simulation.tables import Row, Transaction
from tests.simulation.wire import Wire
from tests.simulation.witnessing import RIVAL, WITNESS
from tests.support.logs import BATCH_SEED, born, origin_of

CREATE_HEAD, ENTRIES = sql.load("ledger").create_head, sql.load("ledger").entries
SERVED: tuple[LogName, ...] = ("books", "public")
SIGNER, DATABASE, NOBODY = "signer", "database", "nobody"
EPOCH_US = 1_785_000_000_000_000 - 3_000_000  # so that an interval of anchors begins three seconds later
SETTLED_WITHIN_S = 120.0
QUIET_WITHIN_S = 150.0
COSIGNED_WITHIN_S = PAUSE_S_MAX + 2 * ROUND_WAIT_S
LOOK_INTERVAL_S = 0.1
CHECK_EVERY_TURNS = 1_500
MONTH_ENDS_AT_S = 1.5
MONTH_ENDS_US = 12 * 86_400_000_000  # then it is August, and July may be closed
RESTART_S = 0.6
PAUSE_S = 2.0
JUMP_S = 3.0
IDLE_IN_TRANSACTION_S = 1.0


class MemoryKeys:
    """`server.vault.KeyStore` in memory; keys are durable by definition."""

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}

    def load(self, key_id: str) -> bytes | None:
        return self._keys.get(key_id)

    def create(self, key_id: str, key: bytes) -> bytes:
        return self._keys.setdefault(key_id, key)

    def destroy(self, key_id: str) -> bool:
        return self._keys.pop(key_id, None) is not None

    def ids(self) -> list[str]:
        return list(self._keys)


class LossyWakeups(Wakeups):
    """The real wake-ups of one process over a bridge, and an air, that lose, double and delay them."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._waiters: defaultdict[str, Ordered] = defaultdict(Ordered)  # type: ignore[assignment]  # a set by order

    def notify(self, topic: str) -> None:
        super().notify(topic)
        for other in self._world.wakeups.values():
            if other is not self:
                delay_s = self._world.loop.dice.random() * 0.05
                as_owner("network", self._world.loop.call_later, delay_s, other._wake, topic)

    def _wake(self, topic: str) -> None:
        dice, troubles = self._world.loop.dice, self._world.scenario.troubles
        if dice.random() < troubles.lost:
            return
        super()._wake(topic)
        if dice.random() < troubles.doubled:
            as_owner("network", self._world.loop.call_later, dice.random(), super()._wake, topic)


class Ordered(dict[object, None]):
    """A set that is gone through in the order of joining, so that a seed replays."""

    def add(self, item: object) -> None:
        self[item] = None

    def discard(self, item: object) -> None:
        self.pop(item, None)


class OwnOs:
    """The module `os` as each process has it: on the disk of its own machine."""

    def __init__(self, disks: dict[str, Disk]) -> None:
        self._modules = {machine: disk.as_os() for machine, disk in disks.items()}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._modules[OWNER.get().partition("#")[0]], name)


class World:
    """One run of a scenario. `run` raises Violation when a promise is broken; `steps` counts each process's steps."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.loop = Loop(Random(scenario.seed))  # noqa: S311 - a die, not a secret
        self.database = Database(self.clock_us)
        self.disks = {SIGNER: Disk(), WITNESS: Disk()}
        self.wire = Wire(self)
        secrets = Random(f"secrets of {scenario.seed}")  # noqa: S311 - a die, not a secret
        self.vault = Vault(MemoryKeys(), now=lambda: datetime(2026, 7, 25, tzinfo=UTC), random=secrets.randbytes)
        self.asked = make(scenario.gifts, Random(f"gifts of {scenario.seed}"), self.vault)  # noqa: S311 - a die, not a secret
        self.nonces = Random(f"nonces of {scenario.seed}")  # noqa: S311 - a die, not a secret
        self.wakeups: dict[str, Wakeups] = {}
        self.steps: dict[str, int] = defaultdict(int)
        self.kills: dict[str, int] = defaultdict(int)
        self._retired: set[str] = set()
        self.observer = Observer(self)
        self.cosigned = Cosigned(self)
        self.is_troubled = False
        self._wrong_clock: tuple[str, int] = (NOBODY, 0)
        self.database.handlers |= scenario.parts.handlers
        if scenario.spoiled is not None:
            self.database.handlers[ENTRIES] = self._spoiled_entries
        self.database.tables.on_commit = self.observer.committed
        self.database.delay = self._delay
        self.database.cuts = lambda: self.is_troubled and self.loop.dice.random() < scenario.troubles.cut
        for machine, disk in self.disks.items():
            disk.on_operation = partial(self._on_operation, machine)
        self.loop.on_turn = self._on_turn

    async def _spoiled_entries(self, tx: Transaction, now_us: int, log: LogName, start: int, limit: int) -> list[Row]:
        """Entries as a disk gives them back that has lost one bit."""
        rows = await HANDLERS[ENTRIES](tx, now_us, log, start, limit)
        where = ("public", self.scenario.spoiled)
        return [
            row.but(bytes=row["bytes"].replace(b"5", b"4", 1)) if (log, row["position"]) == where else row
            for row in rows
        ]

    def clock_us(self) -> int:
        """The clock of whoever looks at it, µs since 1970; that of one machine at most is wrong."""
        name, skew_us = self._wrong_clock
        return self.true_us() + (skew_us if OWNER.get().partition("#")[0] == name else 0)

    def true_us(self) -> int:
        """The time that it is, µs since 1970."""
        now_us = EPOCH_US + int(self.loop.time() * 1e6)
        return now_us + MONTH_ENDS_US if self.loop.time() >= MONTH_ENDS_AT_S else now_us

    def run(self) -> None:
        """The whole run, from a born database to the end of all work."""
        with self._on_our_disk():
            self.loop.run(self._main())

    @contextmanager
    def _on_our_disk(self) -> Iterator[None]:
        genuine, was_disabled = ledger.signer_state.os, logging.root.manager.disable
        ledger.signer_state.os = OwnOs(self.disks)  # type: ignore[assignment]  # what it uses of it
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            ledger.signer_state.os = genuine
            logging.disable(was_disabled)

    async def _main(self) -> None:
        await self._give_birth()
        self.observer.check_now()
        self.is_troubled = True
        names = [f"host {number}" for number in range(1, self.scenario.hosts + 1)]
        for name in (*names, SIGNER, WITNESS):
            self._boot(name)
        as_owner(RIVAL, self.loop.create_task, witnessing.rival(self))
        if self.scenario.spoiled is not None:
            await self._until(self.observer.is_halted, SETTLED_WITHIN_S, "the signer to stop the appends")
            return
        await self._until(lambda: all(request.settled for request in self.asked), SETTLED_WITHIN_S, "every answer")
        self.is_troubled = self.scenario.kill_at is not None
        self.wire.is_cut = True  # nobody may need the witness to come to an end
        await self._until(self.observer.is_quiet, QUIET_WITHIN_S, "publisher, projections and signers to be done")
        self.observer.check_at_the_end()
        self._retire(names)
        self.wire.is_cut = self.is_troubled = False
        await self._until(self.cosigned.is_newest, COSIGNED_WITHIN_S, "the newest checkpoint to be cosigned")
        self.cosigned.check_now()
        self.observer.raise_faults()

    def _retire(self, names: list[str]) -> None:
        """End processes that have nothing left to do, for good: their polling is all that would be seen of them."""
        for name in names:
            self._retired.add(name)
            self.kill(name)

    async def _until(self, holds: processes.Condition, bound_s: float, what: str) -> None:
        deadline_s = self.loop.time() + bound_s
        while not holds():
            if self.loop.time() > deadline_s:
                self.observer.fault(f"waited {bound_s:.0f} s for {what}: {self.observer.standing()}")
                self.observer.raise_faults()
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def _give_birth(self) -> None:
        pool = Pool(self.database)
        for log in SERVED:
            await pool.execute(CREATE_HEAD, log, origin_of(log), "test", "UTC")
            writer = self.scenario.parts.writer(
                pool,  # type: ignore[arg-type]  # what the ledger uses of one
                log,
                epoch=1,
                batch_key=BatchKey(BATCH_SEED),
                clock=self.clock_us,
            )
            await writer.start()
            await writer.append(genesis.command(born(log)))
            await writer.close()
        self.database.tables.table("tracking")["publisher",] = Row(log="books", next=0, failed=None)

    # What befalls the processes.

    def _boot(self, name: str) -> None:
        """Start a process through its real start path; one that cannot start is started again."""
        if name in self.wakeups or name in self._retired:
            return
        self.kills[name] += 1
        owner = f"{name}#{self.kills[name]}"
        wakeups = self.wakeups[name] = LossyWakeups(self)
        work = {SIGNER: processes.signer, WITNESS: witnessing.witness}.get(name, processes.host)(self, wakeups)
        task = as_owner(owner, self.loop.create_task, work)

        def ended(done: asyncio.Task[None]) -> None:
            if done.exception() is not None and not self.loop.is_dead(owner):
                self.kill(name)

        as_owner("world", task.add_done_callback, ended)

    def kill(self, name: str) -> None:
        """Kill a process as -9 does; somebody starts it again."""
        owner = f"{name}#{self.kills[name]}"
        if self.wakeups.pop(name, None) is None:
            return
        self.loop.kill(owner)
        for connection in [c for c in self.database.connections if c.client == owner]:
            as_owner("network", connection.cut)
        as_owner("world", self.loop.call_later, self.loop.dice.random() * RESTART_S, self._boot, name)

    def cut_power(self, machine: str) -> None:
        """The machine of the signer or the witness loses power: what was not synced may be gone."""
        self.kill(machine)
        self.disks[machine].power_cut(self.loop.dice)
        self.observer.power_was_cut(machine)

    def _on_turn(self, owner: str) -> None:
        self.observer.raise_faults()
        if self.loop.turns % CHECK_EVERY_TURNS == 0:
            self.observer.check_now()
        name = owner.partition("#")[0]
        if name in self.wakeups or name == DATABASE:
            self._step(name)
        if self.is_troubled and self.scenario.troubles is not QUIET:
            self._trouble()

    def _trouble(self) -> None:
        dice, t = self.loop.dice, self.scenario.troubles
        drawn = dice.random() - t.kill
        if drawn < 0:
            self.kill(dice.choice(sorted(self.wakeups) or [NOBODY]))
        elif (drawn := drawn - t.database) < 0:
            if self.database.is_up:
                as_owner("world", self.database.crash, self.loop)
        elif (drawn := drawn - t.power) < 0:
            self.cut_power(dice.choice((SIGNER, WITNESS)))
        elif (drawn := drawn - t.pause) < 0:
            self._pause(dice.choice(sorted(self.wakeups) or [NOBODY]))
        elif drawn - t.jump < 0 and self._wrong_clock[0] == NOBODY:
            self._jump(dice.choice([*sorted(self.wakeups), DATABASE]))

    def _jump(self, name: str) -> None:
        """One clock is set wrong, a little or much, forwards or back, and set right again (attacks E12)."""
        dice = self.loop.dice
        off_s = dice.choice((1, 60, 10 * 365 * 86_400)) * dice.random() * dice.choice((-1, 1))
        self._wrong_clock = (name, int(off_s * 1e6))
        self.observer.counts["jumps of a clock"] += 1
        as_owner("world", self.loop.call_later, dice.random() * JUMP_S, self._set_right)

    def _set_right(self) -> None:
        self._wrong_clock = (NOBODY, 0)

    def _pause(self, name: str) -> None:
        """A process sleeps; the database gives up on transactions that sleep with it (attacks E11)."""
        if name not in self.wakeups:
            return
        owner = f"{name}#{self.kills[name]}"
        duration_s = self.loop.dice.random() * PAUSE_S
        self.loop.pause(owner, duration_s)
        if duration_s > IDLE_IN_TRANSACTION_S:
            for connection in [c for c in self.database.connections if c.client == owner]:
                as_owner("network", connection.cut)

    def _step(self, name: str) -> None:
        """One more step of a process; the scenario may have it killed just before."""
        if not self.is_troubled:
            return
        self.steps[name] += 1
        if self.scenario.kill_at == (name, self.steps[name]):
            if name == DATABASE:
                as_owner("world", self.database.crash, self.loop)
            elif self.scenario.cut_power:
                self.cut_power(name)
            else:
                self.kill(name)

    def _on_operation(self, machine: str, _operation: str) -> None:
        owner = OWNER.get()
        if not self.loop.is_dead(owner):
            self._step(machine)
            if self.is_troubled and self.loop.dice.random() < self.scenario.troubles.disk:
                self.cut_power(machine) if self.loop.dice.random() < 0.5 else self.kill(machine)
        if self.loop.is_dead(owner):
            raise Killed(owner)

    def _delay(self) -> float:
        dice = self.loop.dice
        slow = self.is_troubled and dice.random() < self.scenario.troubles.slow
        return dice.random() * (SLOW_LATENCY_S if slow else LATENCY_S)
