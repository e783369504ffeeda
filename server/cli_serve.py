"""`secondwind serve` and `secondwind demo`."""

from __future__ import annotations

import argparse
import asyncio
import sys

from server.app import run
from server.cli_settings import load


def serve(options: argparse.Namespace) -> int:
    """Serve until stopped."""
    settings = load(options)
    if settings.log_format == "json" and sys.stderr.isatty() and options.log_format is None:
        settings = settings.model_copy(update={"log_format": "text"})

    def on_ready(address: str) -> None:
        rate = f", {settings.demo_rate or 1:g} simulated gifts a second" if settings.mode == "demo" else ""
        if address:
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
        asyncio.run(main)
    else:
        uvloop.run(main)
    return 0
