"""`secondwind verify`: hands over to clients/verifier/verify.py, in a Python of its own that sees nothing of ours."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from server.cli.keys import local_vkeys
from server.errors import StartRefused
from server.instance import announced
from server.public.verifier import SCRIPT
from server.settings import Settings

HELP = {"-h", "--help"}
_WITHOUT_VALUE = {"--fast", "--json"}


def hand_over(options: argparse.Namespace) -> NoReturn:
    """Carry out the subcommand: its arguments are the verifier's."""
    verify(options.arguments)


def verify(arguments: Sequence[str]) -> NoReturn:
    """Become the verifier, with its exit codes. Raises StartRefused when there is nothing to verify with, or nothing.

    Without a SOURCE it judges the instance that runs on this data directory, and takes the key from there too. That is
    the operator's own check; a stranger brings a key from elsewhere.
    """
    if not SCRIPT.exists():
        raise StartRefused(
            "verify.py is not part of this installation.", "Fetch clients/verifier/verify.py; it needs nothing else."
        )
    passed = list(arguments)
    if not HELP & set(passed) and not names_source(passed):
        passed = [*_local(passed), *passed]
    os.execv(sys.executable, [sys.executable, "-I", str(SCRIPT), *passed])  # noqa: S606 - our own file, no shell


def names_source(arguments: Sequence[str]) -> bool:
    """Whether an argument stands by itself: neither an option nor the value of the option before it."""
    value_follows = False
    for argument in arguments:
        if argument.startswith("-"):
            value_follows = argument not in _WITHOUT_VALUE and "=" not in argument
        elif value_follows:
            value_follows = False
        else:
            return True
    return False


def _local(arguments: Sequence[str]) -> list[str]:
    """SOURCE, and the key unless one is given, of the instance that runs here."""
    data_dir = Settings.load({}, os.environ).data_dir.resolve()
    address = announced(data_dir)
    if address is None:
        raise StartRefused(
            f"No service runs on {data_dir}.", "Start it, or name a log: secondwind verify SOURCE --key VKEY."
        )
    source = f"{address}/ledger"
    key = None if any(a.split("=")[0] == "--key" for a in arguments) else local_vkeys(data_dir).get("public")
    print(f"Verifying {source}{' with the key of this data directory' if key else ''}.", file=sys.stderr, flush=True)
    return [source, *(["--key", key] if key else [])]
