"""Settings for a subcommand: its flags over the environment; and `secondwind config`."""

from __future__ import annotations

import argparse
import os

from server.settings import Settings


def load(options: argparse.Namespace) -> Settings:
    """Return the settings. Raises StartRefused for a wrong one."""
    flags = {name: value for name, value in vars(options).items() if name in Settings.model_fields}
    if getattr(options, "demo", False):
        flags["mode"] = "demo"
    return Settings.load(flags, os.environ)


def show(options: argparse.Namespace) -> int:
    """Print every setting with its value, secrets masked."""
    rows = load(options).described()
    widths = max(len(name) for name, _, _ in rows), max(len(value) for _, value, _ in rows)
    for name, value, text in rows:
        print(f"{name:<{widths[0]}}  {value or '-':<{widths[1]}}  {text}")
    return 0
