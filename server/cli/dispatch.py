"""The command line: from the words that were typed to the subcommand's own function, and to an exit code.

Exit codes: 0 done, 2 refused with one sentence on stderr, 130 interrupted, 141 nobody reads the output any more.
`verify` has the verifier's own.
Each subcommand imports what it needs when it runs, so that `--help` is quick.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import inspect
import os
import sys
from collections.abc import Sequence

from server.cli import parser
from server.cli.parser import VERIFY
from server.errors import StartRefused

REFUSED = 2
INTERRUPTED = 130
PIPE_CLOSED = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # The verifier reads its own options, in their own order: argparse would keep those it does not know for itself.
    options = _verifying(given[1:]) if given[:1] == [VERIFY] else parser.build().parse_args(given)
    try:
        code = _carry_out(options)
        sys.stdout.flush()
    except StartRefused as error:
        print(f"secondwind: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read the output has seen enough, and Python must not try to flush the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _verifying(arguments: list[str]) -> argparse.Namespace:
    return argparse.Namespace(run="server.cli.verify:hand_over", arguments=arguments)


def _carry_out(options: argparse.Namespace) -> int:
    module, _, name = options.run.partition(":")
    outcome = getattr(importlib.import_module(module), name)(options)
    return int(asyncio.run(outcome) if inspect.iscoroutine(outcome) else outcome)


if __name__ == "__main__":
    sys.exit(main())
