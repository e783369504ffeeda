"""Settings for a subcommand: its flags over the environment."""

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
