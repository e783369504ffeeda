"""The service publishes while it runs: what lies where, and what a start says that cannot compare."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from server.errors import StartRefused
from server.files.places import place
from server.files.store import DirectoryStore
from tests.support.s3 import S3
from tests.support.service import VERIFY, service, wait_until


def test_a_place_is_a_directory_or_a_bucket(tmp_path: Path, s3: S3) -> None:
    assert s3.environment
    assert isinstance(place(str(tmp_path)), DirectoryStore)
    assert type(place("s3://charity/prefix")).__name__ == "ObjectStore"
    with pytest.raises(StartRefused, match="SECONDWIND_PUBLISH_TO is s3://"):
        place("s3://[")


def test_a_stranger_verifies_the_files_of_a_service_that_goes_on(tmp_path: Path) -> None:
    """Only `ledger/` is anybody's to read: nothing of the other logs lies there, and what lies elsewhere is sealed."""
    files = tmp_path / "files"
    with service(tmp_path / "data", "--demo", "--rate", "40", SECONDWIND_PUBLISH_TO=str(files)) as running:
        running.start()
        checkpoint = files / "ledger" / "checkpoint"
        wait_until(lambda: checkpoint.is_file() and int(checkpoint.read_text().split("\n")[1]) > 100, "100 entries")
        command = [sys.executable, "-I", str(VERIFY), str(files / "ledger"), "--key", running.vkey()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2, done.stdout + done.stderr
        assert running.verify()[0] == 2
        assert {path.name for path in files.iterdir() if path.is_dir()} == {"ledger", "sealed"}
        assert {path.name for path in (files / "sealed").iterdir()} == {"books", "audit", "public"}
        assert {path.name for path in (files / "sealed" / "public").iterdir()} == {"sidecar"}
        readable = [path for path in (files / "sealed").rglob("*") if path.is_file() and b'"log"' in path.read_bytes()]
        assert readable == []
        running.kill()
        assert int(checkpoint.read_text().split("\n")[1]) > 100
        running.start()
        before = int(checkpoint.read_text().split("\n")[1])
        wait_until(lambda: int(checkpoint.read_text().split("\n")[1]) > before, "it goes on after kill -9")


def test_a_start_that_cannot_compare_is_refused(tmp_path: Path) -> None:
    """Attack E6: a signer that does not know what is published may sign a second history."""
    (tmp_path / "files").write_text("not a directory")
    with service(tmp_path / "data", SECONDWIND_PUBLISH_TO=str(tmp_path / "files")) as running:
        with pytest.raises(AssertionError):
            running.start()
        assert "What is published cannot be compared with the database" in running.log()
