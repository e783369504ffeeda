"""`secondwind promise check` tells how a promise stands, or why the file is none."""

from __future__ import annotations

from pathlib import Path

from tests.server.cli.command_line import refused, run
from tests.server.promises.files import LOG, Made, with_terms


def test_an_overdue_promise_ends_with_1_and_says_what_to_do(tmp_path: Path) -> None:
    """A2: the file alone proves it."""
    file = tmp_path / "promise.json"
    file.write_bytes(with_terms(not_later_us=1_000_000).data(kept=False))
    done = run("promise", "check", str(file), "--key", LOG.vkey)
    assert (done.returncode, done.stdout[:8]) == (1, "overdue:")
    assert "1970-01-01T00:00:01.000000Z" in done.stdout


def test_what_is_no_promise_of_this_log_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "promise.json"
    refused(run("promise", "check", str(file), "--key", LOG.vkey), "cannot be read")
    file.write_bytes(Made().data())
    refused(run("promise", "check", str(file), "--key", "nonsense"), "--key is no verification key")
    file.write_bytes(Made().data().replace(b"2500", b"2501"))
    refused(run("promise", "check", str(file), "--key", LOG.vkey), "does not verify")
