"""The tree of subcommands names functions; each of them exists and takes what was parsed."""

from __future__ import annotations

import argparse
import importlib
import inspect
from collections.abc import Iterator

import pytest

from server.cli import parser


def runs(parser: argparse.ArgumentParser, path: str = "") -> Iterator[tuple[str, str]]:
    """(the command as it is typed, the function that it names) of every leaf below `parser`."""
    if isinstance(run := parser.get_default("run"), str):
        yield path, run
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                yield from runs(child, f"{path} {name}".strip())


@pytest.mark.parametrize(("command", "run"), sorted(runs(parser.build())))
def test_each_subcommand_names_a_function_of_one_argument(command: str, run: str) -> None:
    module, _, name = run.partition(":")
    function = getattr(importlib.import_module(module), name)
    assert len(inspect.signature(function).parameters) == 1, command


def test_the_tree_has_the_commands_of_every_day() -> None:
    commands = {command for command, _ in runs(parser.build())}
    assert {"serve", "demo", "migrate", "fsck", "backup", "restore", "keys list", "config"} <= commands
