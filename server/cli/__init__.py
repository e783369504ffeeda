"""The command line: `parser` holds the tree, each subcommand names its function, and `dispatch` runs it."""

from server.cli.dispatch import main

__all__ = ["main"]
