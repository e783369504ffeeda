"""The command line: it explains itself, and refuses in one sentence with exit code 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from server.cli.dispatch import PIPE_CLOSED
from tests.server.cli.command_line import refused, run
from tests.support.service import ROOT

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("command", ["", "serve", "migrate", "demo", "verify", "inbox", "keys", "config", "token"])
def test_every_command_explains_itself(command: str) -> None:
    done = run(*filter(None, [command]), "--help")
    assert done.returncode == 0
    assert len(done.stdout) > 200


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"SECONDWIND_HOST": "x", "SECONDWIND_LOG": "loud"}, "SECONDWIND_LOG is 'loud'"),
        ({"SECONDWIND_ORIGIN": "http://a/ledger"}, "without scheme"),
        ({"SECONDWIND_ASSETS": "dollars"}, "USD/2"),
        ({"SECONDWIND_ROLES": "web,cook"}, "choose from"),
        ({"SECONDWIND_TIME_ZONE": "Mars"}, "IANA"),
        ({"SECONDWIND_MODE": "wild"}, "SECONDWIND_MODE"),
        ({"STRIPE_API_KEY_FILE": "/nowhere/key"}, "cannot be read"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL cannot be used"),
        ({"DATABASE_URL": "postgres://a:b@127.0.0.1:1/x"}, "cannot be reached"),
    ],
)
def test_a_wrong_setting_is_one_sentence(environment: dict[str, str], says: str, tmp_path: Path) -> None:
    refused(run("serve", "--port", "0", "--data-dir", str(tmp_path / "data"), **environment), says)


def test_a_data_directory_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused(
        run("serve", "--port", "0", "--data-dir", str(tmp_path / "file" / "data")), "cannot be written", "--data-dir"
    )


def test_a_mistyped_command_is_told_with_what_there_is() -> None:
    done = run("sevre")
    assert done.returncode == 2
    assert "serve" in done.stderr


def test_output_that_nobody_reads_to_the_end_is_no_error() -> None:
    command = [sys.executable, "-m", "server", "config"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == PIPE_CLOSED


def test_help_does_not_wait_for_what_only_the_service_needs() -> None:
    code = (
        "import sys, server.cli; print([m for m in ('asyncpg', 'aiohttp', 'stripe', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
