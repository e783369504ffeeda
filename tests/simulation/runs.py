"""Running scenarios: one by its seed, or one small one killed before each of its steps in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.simulation.invariants import Violation
from tests.simulation.scenario import QUIET, Scenario
from tests.simulation.world import World

SMALL = Scenario(seed=1, gifts=2, hosts=1, callers=1, troubles=QUIET, kill_at=("nobody", 1))


def run(scenario: Scenario) -> World:
    """Run a scenario to its end. Whatever goes wrong is a Violation that says how to see it again."""
    world = World(scenario)
    try:
        world.run()
    except Exception as error:
        again = f"SECONDWIND_SIMULATION_SEED={scenario.seed} python -m pytest tests/simulation"
        if scenario.kill_at is not None:
            power = " with its machine's power" if scenario.cut_power else ""
            again = f"{scenario.kill_at[0]} killed before step {scenario.kill_at[1]}{power}"
        raise Violation(f"{error or type(error).__name__}\nagain: {again}") from error
    return world


def every_step(process: str, *, cut_power: bool = False, stride: int = 1) -> Iterator[Scenario]:
    """The small scenario, killed before every `stride`th step of one process; with its machine's power, if asked."""
    for step in range(1, run(SMALL).steps[process] + 1, stride):
        yield replace(SMALL, kill_at=(process, step), cut_power=cut_power)
