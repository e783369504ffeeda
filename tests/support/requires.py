"""Tests that need a tool from outside the tree say so: `pytestmark = requires("go")`.

Without the tool they are skipped by name and with the reason; with REQUIRE_ALL=1, as in CI, they fail instead.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

REASONS = {
    "go": "Go checks our log with golang.org/x/mod: apt install golang-go golang-golang-x-mod-dev",
    "node": "Node 20 or newer runs the clients' own tests",
    "chromium": "Chromium opens the page",
    "bean-check": "Beancount judges exported journals: it is in requirements-dev.lock",
    "hledger": "hledger judges exported journals: apt install hledger",
}


# Tools of this Python's own environment need not be on the path of whoever starts it.
_PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def tool(name: str) -> str:
    """Where a tool is; its bare name where it is not."""
    return shutil.which(name, path=_PATH) or name


def requires(name: str, *, also: bool = True) -> pytest.MarkDecorator:
    """A mark that skips unless the tool is there and `also` holds; under REQUIRE_ALL=1 the test runs and fails."""
    missing = shutil.which(name, path=_PATH) is None or not also
    reason = f"{name} is not here. {REASONS.get(name, '')}".strip()
    return pytest.mark.skipif(missing and os.environ.get("REQUIRE_ALL") != "1", reason=reason)
