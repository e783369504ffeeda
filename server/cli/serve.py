"""`secondwind serve` and `secondwind demo`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine

from server.app import run
from server.cli.settings import load
from server.instance import announce, withdraw


def serve(options: argparse.Namespace) -> int:
    """Serve until stopped."""
    settings = load(options)
    if settings.log_format == "json" and sys.stderr.isatty() and options.log_format is None:
        settings = settings.model_copy(update={"log_format": "text"})

    ready: list[str] = []

    def on_ready(address: str) -> None:
        rate = f", {settings.demo_rate or 1:g} simulated gifts a second" if settings.mode == "demo" else ""
        if address:
            announce(settings.data_dir, address)
            ready.append(address)
            print(f"SecondWind is running at {address}")
            print(f"  mode {settings.mode}{rate} · data in {settings.data_dir}")
            print(f"  verify it: python3 -I clients/verifier/verify.py {address}/ledger --key …")
            print("  Ctrl-C stops it", flush=True)
        else:
            print(f"SecondWind works as {', '.join(settings.roles)}", flush=True)

    main = run(settings, on_ready=on_ready, say=lambda line: print(line, flush=True))
    try:
        import uvloop
    except ImportError:
        runner: Callable[[Coroutine[object, object, None]], None] = asyncio.run
    else:
        runner = uvloop.run
    try:
        runner(main)
    finally:
        for address in ready:
            withdraw(settings.data_dir, address)
    return 0
