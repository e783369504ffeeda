"""`./dev bench [NAME …] [--quick] [--long] [--check] [--out DIR]`: measure what is claimed, beside a baseline.

Figures are printed and drawn; only ratios and counts are asserted, and only with --check. Absolute figures are held
against what was asked for, and only reported. A bench that breaks does not take the others along.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import uvloop

from tests.bench import append, engine, erase, export, kill, live, reads, verify
from tests.bench.context import Context, machine
from tests.bench.picture import draw
from tests.bench.result import Report, number
from tests.support.postgres import running_server

BENCHES = {bench.NAME: bench for bench in (append, engine, erase, export, verify, reads, live, kill)}
MISSED = 1
RUNS, QUICK = 5, 0.2


def say(line: str) -> None:
    """Tell what was found."""
    sys.stdout.write(f"{line}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 1 when a bench broke, and with --check when a promise was missed."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(BENCHES)}")
    parser.add_argument("--quick", action="store_true", help="a fifth of the work in as many runs, for a first look")
    parser.add_argument(
        "--long",
        action="store_true",
        help="ten million entries, a million for verify.py's memory, 200 rounds of kill -9",
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when a promised ratio is missed")
    parser.add_argument("--out", type=Path, default=Path("test-output/bench"), metavar="DIR", help="table and picture")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - BENCHES.keys()):
        parser.error(f"there is no bench {unknown[0]!r}; there are: {', '.join(BENCHES)}")
    report = Report(machine())
    began = time.monotonic()
    with running_server() as server:
        for name in options.names or BENCHES:
            sys.stderr.write(f"── {name} ({time.monotonic() - began:.0f} s)\n")
            with tempfile.TemporaryDirectory(prefix="secondwind-bench-") as directory:
                context = Context(server, Path(directory), RUNS, QUICK if options.quick else 1.0, options.long)
                try:
                    report.results.extend(uvloop.run(BENCHES[name].run(context)))  # the service's own loop
                except Exception:  # noqa: BLE001 - told whole, and counted
                    traceback.print_exc()
                    report.failed.append(name)
    say(report.text())
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "bench.md").write_text(report.markdown() + "\n", encoding="utf-8")
    (options.out / "bench.svg").write_text(draw(report), encoding="utf-8")
    say(f"\n{time.monotonic() - began:.0f} s; table and picture: {options.out}")
    for name in report.failed:
        say(f"failed: {name} came to no result; its error stands above")
    broken = [result for result in report.results if result.is_broken]
    for result in broken:
        say(f"missed: {result.claim}: {number(result.judged)}, promised was {result.target}")
    return MISSED if report.failed or (broken and options.check) else 0


if __name__ == "__main__":
    sys.exit(main())
