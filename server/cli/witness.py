"""`secondwind witness`: be a witness for other people's logs, and nothing else."""

from __future__ import annotations

import argparse
import asyncio

from ledger.errors import NoteError
from server.edge import service_version
from server.errors import StartRefused
from server.parts import clock_s
from server.witness import standalone
from server.witness.policy import read_policy


def witness(options: argparse.Namespace) -> int:
    """Cosign checkpoints of the logs in the policy file until stopped."""
    policy = read_policy(options.policy)
    if not policy.logs:
        raise StartRefused(f"{options.policy} names no log.", "Add a line `log <vkey>` for each log to witness.")
    try:
        keeper = standalone.open_witness(options.data_dir.resolve(), options.name, policy.logs, clock_s)
    except NoteError as error:
        raise StartRefused(f"The witness cannot be called that: {error}.", "Choose another --name.") from None

    def on_ready(address: str) -> None:
        print(f"A witness of {len(policy.logs)} logs is running at {address}")
        print(f"  policy line: witness {options.data_dir.name} {keeper.vkey} {address}")
        print("  Ctrl-C stops it", flush=True)

    asyncio.run(standalone.serve(keeper, options.host, options.port, service_version(), on_ready))
    return 0
