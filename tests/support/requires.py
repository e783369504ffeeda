"""Tests that need a tool from outside the tree say so: `pytestmark = requires("go")`.

Without the tool they are skipped by name and with the reason; with REQUIRE_ALL=1, as in CI, they fail instead.
"""

from __future__ import annotations

import os
import shutil

import pytest

REASONS = {
    "go": "Go checks our log with golang.org/x/mod: apt install golang-go golang-golang-x-mod-dev",
    "node": "Node 20 or newer runs the clients' own tests",
    "chromium": "Chromium opens the page",
}


def requires(tool: str, *, also: bool = True) -> pytest.MarkDecorator:
    """A mark that skips unless `tool` is on the path and `also` holds; under REQUIRE_ALL=1 the test runs and fails."""
    missing = shutil.which(tool) is None or not also
    reason = f"{tool} is not here. {REASONS.get(tool, '')}".strip()
    return pytest.mark.skipif(missing and os.environ.get("REQUIRE_ALL") != "1", reason=reason)
