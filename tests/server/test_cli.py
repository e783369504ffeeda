"""The command line: it explains itself, and refuses in one sentence with exit code 2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from server.settings import Settings
from tests.support.service import ROOT, service

pytestmark = pytest.mark.timeout(120)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
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


def refused(done: subprocess.CompletedProcess[str], *says: str) -> None:
    """One sentence on stderr, exit code 2, no traceback."""
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("secondwind: ")
    assert len(done.stderr.strip().splitlines()) == 1
    for words in says:
        assert words in done.stderr


@pytest.mark.parametrize("command", ["", "serve", "migrate", "demo", "inbox", "keys", "config", "token"])
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


def test_a_second_start_names_who_holds_the_directory_and_a_taken_port_is_told(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running:
        running.start()
        assert running.process is not None
        refused(run("serve", "--port", "0", "--data-dir", str(tmp_path / "data")), f"process {running.process.pid}")
        refused(
            run("serve", "--port", str(running.port), "--data-dir", str(tmp_path / "other")), f"Port {running.port}"
        )
        listed = run("inbox", "list", "--data-dir", str(tmp_path / "data"))
        assert (listed.returncode, listed.stdout.strip()) == (0, "0 rows")
        keys = run("keys", "list", "--data-dir", str(tmp_path / "data")).stdout
        assert "log-public" in keys
        token = run("token", "--sub", "ada", "--role", "staff", "--data-dir", str(tmp_path / "data")).stdout
        assert token.count(".") == 2
        refused(run("token", "--sub", "ada", "--role", "king", "--data-dir", str(tmp_path / "data")), "unknown role")
        running.stop()
        # What a log was born as stays so.
        again = ("serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
        refused(run(*again, SECONDWIND_ORIGIN="other.example.org/ledger"), "was born as")
        refused(run(*again, "--demo"), "--demo refused")
        refused(run(*again, STRIPE_API_KEY="sk_live_x"), "Live secrets refused")


def test_keys_are_backed_up_once_and_never_mixed(tmp_path: Path) -> None:
    keys = tmp_path / "data" / "keys"
    keys.mkdir(parents=True)
    (keys / "service.key").write_bytes(b"k" * 32)
    arguments = ("keys", "backup", str(tmp_path / "copy"), "--data-dir", str(tmp_path / "data"))
    assert run(*arguments).returncode == 0
    assert (tmp_path / "copy" / "service.key").read_bytes() == b"k" * 32
    refused(run(*arguments), "is not empty")


def test_secrets_are_masked_and_flags_win(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("whsec_from_file\n")
    environment = {"STRIPE_API_KEY": "rk_secret", "STRIPE_WEBHOOK_SECRETS_FILE": str(tmp_path / "secret")}
    done = run("config", **environment)
    assert "rk_secret" not in done.stdout
    assert "whsec" not in done.stdout
    loaded = Settings.load({"port": 1}, {**environment, "SECONDWIND_PORT": "2"})
    assert loaded.port == 1
    assert loaded.stripe_webhook_secrets == ("whsec_from_file",)
