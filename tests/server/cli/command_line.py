"""The command line as its own process, for tests that read what it says."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

from server import cli
from tests.support.service import ROOT


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one subcommand to its end, with only these settings in the environment."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SECONDWIND_", "STRIPE_", "DATABASE_"))}
    return subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        cwd=ROOT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_here(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The same in this process, for tests that run many: no interpreter has to start."""
    out, err = io.StringIO(), io.StringIO()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SECONDWIND_", "STRIPE_", "DATABASE_"))}
    with mock.patch.dict(os.environ, clean, clear=True), redirect_stdout(out), redirect_stderr(err):
        code = cli.main(arguments)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def refused(done: subprocess.CompletedProcess[str], *says: str) -> None:
    """One sentence on stderr, exit code 2, no traceback."""
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("secondwind: ")
    assert len(done.stderr.strip().splitlines()) == 1
    for words in says:
        assert words in done.stderr
