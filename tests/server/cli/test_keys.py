"""Keys and tokens: what is shown never holds a secret, and copies are never mixed."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.keyring import Keyring
from server.settings import Settings
from server.vault import Subject
from tests.server.cli.command_line import refused, run
from tests.support.service import service

pytestmark = pytest.mark.timeout(120)


def test_keys_are_listed_with_what_the_public_may_know(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path / "data"))
    with service(tmp_path / "data") as running:
        running.start()
        vkey = running.vkey()
        token = run("token", "--sub", "ada", "--role", "staff", *data).stdout
        assert token.count(".") == 2
        refused(run("token", "--sub", "ada", "--role", "king", *data), "unknown role 'king'")
        refused(run("token", "--sub", "ada", "--lifetime-s", "901", *data), "1 to 900 seconds")
        running.stop()
    listed = run("keys", "list", *data).stdout
    assert f"verification key of public: {vkey}\n" in listed
    assert "verification key of books: " in listed
    assert f"wrapped by keys of the weeks in {tmp_path / 'data' / 'safe'}" in listed
    for path in (tmp_path / "data" / "keys").glob("*.key"):
        assert f"{path.stem:<20} 0600" in listed
        assert path.read_bytes().hex() not in listed


def test_keys_are_backed_up_once_and_never_mixed(tmp_path: Path) -> None:
    keys = tmp_path / "data" / "keys"
    keys.mkdir(parents=True)
    (keys / "service.key").write_bytes(b"k" * 32)
    arguments = ("keys", "backup", str(tmp_path / "copy"), "--data-dir", str(tmp_path / "data"))
    assert run(*arguments).returncode == 0
    assert (tmp_path / "copy" / "service.key").read_bytes() == b"k" * 32
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o700
    refused(run(*arguments), "is not empty")


def test_a_log_that_has_published_nothing_has_no_name_for_its_key_yet(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir(parents=True)
    (keys / "log-public.key").write_bytes(b"k" * 32)
    listed = run("keys", "list", "--data-dir", str(tmp_path)).stdout
    assert "signs the checkpoints of public" in listed
    assert "verification key" not in listed


def test_without_keys_the_remedy_is_told(tmp_path: Path) -> None:
    for command in (["keys", "list"], ["keys", "backup", str(tmp_path / "copy")], ["token", "--sub", "ada"]):
        refused(run(*command, "--data-dir", str(tmp_path / "none")), "no keys", "--data-dir")


def test_peoples_keys_are_wrapped_anew_and_backed_up_whole(tmp_path: Path) -> None:
    """D1: rotation touches no entry; a copy of the keys is consistent, and holds nothing of the safe."""
    data = ("--data-dir", str(tmp_path))
    (tmp_path / "keys").mkdir()
    settings = Settings(data_dir=tmp_path)
    old = datetime.now(UTC) - timedelta(weeks=4)
    holders = Keyring.open(settings, now=lambda: old).subjects.ensure([Subject(b"a" * 32)])
    done = run("keys", "rewrap", *data)
    assert "2 keys wrapped anew" in done.stdout, done.stderr
    assert "is destroyed" in done.stdout
    assert "0 keys wrapped anew" in run("keys", "rewrap", *data).stdout
    assert Keyring.open(settings).subjects.ensure([Subject(b"a" * 32)]) == holders
    assert run("keys", "backup", str(tmp_path / "copy"), *data).returncode == 0
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["subjects.db"]
    refused(run("keys", "rewrap", "--data-dir", str(tmp_path / "none")), "no keys", "--data-dir")
