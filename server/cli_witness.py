"""`secondwind witness`: be a witness for other people's logs, and nothing else."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from ledger import witness_policy
from ledger.errors import NoteError
from ledger.witness_policy import PolicyError, WitnessPolicy
from server.edge import service_version
from server.errors import StartRefused
from server.parts import clock_us
from server.witness import standalone


def witness(options: argparse.Namespace) -> int:
    """Cosign checkpoints of the logs in the policy file until stopped."""
    policy = read_policy(options.policy)
    if not policy.logs:
        raise StartRefused(f"{options.policy} names no log.", "Add a line `log <vkey>` for each log to witness.")
    try:
        keeper = standalone.open_alone(options.data_dir.resolve(), options.name, policy.logs, clock_s)
    except NoteError as error:
        raise StartRefused(f"The witness cannot be called that: {error}.", "Choose another --name.") from None

    def on_ready(address: str) -> None:
        print(f"A witness of {len(policy.logs)} logs is running at {address}")
        print(f"  policy line: witness {options.data_dir.name} {keeper.vkey} {address}")
        print("  Ctrl-C stops it", flush=True)

    asyncio.run(standalone.serve(keeper, options.host, options.port, service_version(), on_ready))
    return 0


def read_policy(path: Path) -> WitnessPolicy:
    """Read a policy file. Raises StartRefused that names the wrong line."""
    try:
        return witness_policy.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused(f"The policy {path} cannot be read ({type(error).__name__}).", "Correct the path.") from None
    except PolicyError as error:
        raise StartRefused(f"The policy {path} is wrong: {error}.", "Correct it (c2sp.org/tlog-policy).") from None


def clock_s() -> int:
    """This machine's seconds since 1970."""
    return clock_us() // 1_000_000
