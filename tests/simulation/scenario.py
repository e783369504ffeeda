"""What a run is made of: how much is done, how often what goes wrong, and which parts do the work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from random import Random
from typing import Any

from ledger.projector import Projector
from ledger.signer import Signer
from ledger.signer_state import PublishDirectory, StateFile
from ledger.store import Writer
from server.closing.closer import Closer
from server.loops import follow
from server.publishing.anchors import Anchors
from server.publishing.publisher import Publisher
from server.witness.asking import Asking
from server.witness.keeper import Keeper


@dataclass(frozen=True, slots=True)
class Troubles:
    """How likely each trouble is.

    Per turn of the loop; `cut` per statement; `lost`, `doubled` per wake-up, `wire` per
    message to and from the witness, for its loss, double and delay.
    """

    kill: float = 0.000_7
    database: float = 0.000_1
    power: float = 0.000_15
    pause: float = 0.000_2
    disk: float = 0.015
    cut: float = 0.006
    slow: float = 0.03
    lost: float = 0.3
    doubled: float = 0.2
    jump: float = 0.000_3
    wire: float = 0.1


QUIET = Troubles(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
MILDER_OR_WORSE = (0.0, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Parts:
    """The classes that do the work: the real ones, unless a test breaks one on purpose."""

    writer: type[Writer] = Writer
    publisher: type[Publisher] = Publisher
    anchors: type[Anchors] = Anchors
    closer: type[Closer] = Closer
    projector: type[Projector] = Projector
    signer: type[Signer] = Signer
    state_file: type[StateFile] = StateFile
    directory: type[PublishDirectory] = PublishDirectory
    keeper: type[Keeper] = Keeper
    asking: type[Asking] = Asking
    follow: Callable[..., Awaitable[None]] = follow
    handlers: dict[str, Callable[..., Awaitable[Any]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run.

    `kill_at`: the process to kill, and before which of its steps: a step ends at an await or a file operation.
    `cut_power` takes the power of its machine with it. `spoiled`: the entry of `public` that loses a bit.
    """

    seed: int
    gifts: int = 14
    hosts: int = 2
    callers: int = 3
    troubles: Troubles = field(default_factory=Troubles)
    parts: Parts = field(default_factory=Parts)
    kill_at: tuple[str, int] | None = None
    cut_power: bool = False
    spoiled: int | None = None


def drawn(seed: int, **fixed: Any) -> Scenario:
    """The scenario of a seed: its own mixture of troubles, some of them absent, on one host or two."""
    dice = Random(f"scenario {seed}")  # noqa: S311 - a die, not a secret
    troubles = Troubles(
        *(min(getattr(Troubles(), f.name) * dice.choice(MILDER_OR_WORSE), 0.9) for f in fields(Troubles))
    )
    shape = {"hosts": dice.randint(1, 2), "callers": dice.randint(1, 4), "troubles": troubles}
    return Scenario(seed, **(shape | fixed))
