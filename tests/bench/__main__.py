"""`./dev bench [NAME …] [--quick] [--long] [--check] [--out DIR]`: measure what is claimed, beside a baseline.

Figures are printed and drawn; only ratios are asserted, and only with --check.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench import append, kill, live, reads, verify
from tests.bench.context import Context, machine
from tests.bench.picture import draw
from tests.bench.result import Report
from tests.support.postgres import running_server

BENCHES = {bench.NAME: bench for bench in (append, verify, reads, live, kill)}
MISSED = 1


def say(line: str) -> None:
    """Tell what was found."""
    sys.stdout.write(f"{line}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 1 with --check when a promised ratio was missed."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(BENCHES)}")
    parser.add_argument("--quick", action="store_true", help="less work and fewer runs, for a first look")
    parser.add_argument("--long", action="store_true", help="ten million entries, a million for verify.py's memory")
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
                context = Context(server, Path(directory), *((3, 0.25) if options.quick else (5, 1.0)), options.long)
                report.results.extend(asyncio.run(BENCHES[name].run(context)))
    say(report.text())
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "bench.md").write_text(report.markdown() + "\n", encoding="utf-8")
    (options.out / "bench.svg").write_text(draw(report), encoding="utf-8")
    say(f"\n{time.monotonic() - began:.0f} s; table and picture: {options.out}")
    missed = [result.claim for result in report.results if result.is_missed]
    if missed:
        say(f"missed: {', '.join(missed)}")
    return MISSED if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
