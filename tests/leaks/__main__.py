"""`python -m tests.leaks scan` searches a year of any size; `attack` tells what an attacker learns of one.

Both print the seed that repeats them, and end with 1 where something was found out that may not be.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from random import SystemRandom

from tests.leaks.attacks import every
from tests.leaks.attacks.results import table
from tests.leaks.search import search
from tests.support.postgres import running_server

LEAKS_SHOWN_MAX = 50


def main() -> int:
    """Run the command that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.leaks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    scan = commands.add_parser("scan", help="live a year, serve it, and search all that is public for what is not")
    scan.add_argument("--gifts", type=int, default=2_000, help="gifts of the year; 2000 take about three minutes")
    attack = commands.add_parser("attack", help="try what is public against those whom the rules protect")
    attack.add_argument("--trials", type=int, default=10_000, help="tries of each attack; 10000 take a minute")
    for command in (scan, attack):
        command.add_argument("--seed", type=int, default=SystemRandom().randrange(2**32), help="repeats a run")
    options = parser.parse_args()
    _say(f"seed {options.seed}")
    return _scan(options.seed, options.gifts) if options.command == "scan" else _attack(options.seed, options.trials)


def _scan(seed: int, gifts: int) -> int:
    began = time.monotonic()
    with running_server() as server, tempfile.TemporaryDirectory() as directory:
        found = asyncio.run(search(server, Path(directory), seed=seed, gifts=gifts))
    _say(f"{gifts} gifts, {len(found.scanner.privates)} private values in {found.scanner.forms} forms")
    _say(f"{len(found.exposed)} answers, files and logs, {found.bytes_seen} bytes, {time.monotonic() - began:.0f} s")
    for leak in found.leaks[:LEAKS_SHOWN_MAX]:
        _say(str(leak))
    _say(f"{len(found.leaks)} leaks")
    return bool(found.leaks)


def _attack(seed: int, trials: int) -> int:
    found = asyncio.run(every.results(seed, trials))
    _say(table(found))
    return not all(result.holds for result in found)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
