"""`secondwind export` beside a running service, and on a directory where none runs."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.command_line import refused, run
from tests.server.exports.reading import read
from tests.support.service import Service, service, wait_until


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that nothing is given to."""
    with service(tmp_path_factory.mktemp("exporting") / "data") as made:
        made.start()
        yield made


def test_a_range_is_the_same_bytes_from_another_process_after_growth_and_a_new_key(tmp_path: Path) -> None:
    """Design 8. The log goes on growing; the second export is made by another process, after a restart."""
    once, again, later = (tmp_path / f"{name}.tar" for name in ("once", "again", "later"))
    with service(tmp_path / "data", "--demo", "--rate", "50") as running:
        running.start()
        grown(running, 40)
        made = export(running, "--from", "3", "--to", "30", "--out", str(once))
        assert running.get("/api/v1/ledger/export?from=3&to=30") == once.read_bytes()
        key = running.vkey()
        assert run("keys", "renew-export", "--data-dir", str(running.data_dir)).returncode == 0
        running.stop()
        running.start()
        grown(running, 60)
        export(running, "--from", "3", "--to", "30", "--out", str(again))
        export(running, "--from", "3", "--out", str(later))
    assert f"{once}: entries 3 to 29 of " in made
    assert once.read_bytes() == again.read_bytes()
    first, last = read(once.read_bytes(), key), read(later.read_bytes(), key)
    assert first.files["export-key"] != last.files["export-key"]
    assert last.events[: len(first.events)] == first.events


def test_an_export_of_a_protected_log_names_who_gave_it_to_whom_and_is_written_down_first(
    running: Service, tmp_path: Path
) -> None:
    books, audit = tmp_path / "books.tar", tmp_path / "audit.tar"
    arguments = ["--data-dir", str(running.data_dir)]
    wait_until((running.data_dir / "publish/books/checkpoint").exists, "a checkpoint of books")
    refused(run("export", "--log", "books", "--out", str(books), "--actor", "ada", *arguments), "--recipient")
    named = ["--actor", "ada", "--recipient", "Example Auditors", *arguments]
    given = run("export", "--log", "books", "--out", str(books), *named)
    assert given.returncode == 0, given.stderr
    position = int(given.stdout.partition("stands in audit at ")[2].partition(".")[0])
    wait_until(lambda: signed(running, "audit") > position, "a checkpoint over what was written down")
    assert run("export", "--log", "audit", "--out", str(audit), *named).returncode == 0
    keys = run("keys", "list", *arguments).stdout
    assert stat.S_IMODE(books.stat().st_mode) == 0o600
    read(books.read_bytes(), key_of(keys, "books"))
    written = read(audit.read_bytes(), key_of(keys, "audit")).events[position]
    assert b'"type":"audit.export.given.v1"' in written
    assert b"ada" not in written


def test_what_cannot_be_exported_is_refused_in_one_sentence(running: Service, tmp_path: Path) -> None:
    arguments = ["--data-dir", str(running.data_dir)]
    taken = tmp_path / "taken.tar"
    taken.write_bytes(b"mine")
    refused(run("export", "--out", str(taken), *arguments), "taken.tar is there already")
    refused(run("export", "--from", "5", "--to", "5", *arguments), "from 5 to 5 is no range", "at most")
    refused(run("export", "--from", "0", "--to", "999999", *arguments), "999999 are asked for", "Lower --to")
    refused(run("export", "--out", str(tmp_path / "no" / "where.tar"), *arguments), "cannot be written")
    assert taken.read_bytes() == b"mine"
    refused(run("export", "--data-dir", str(tmp_path / "unborn")), "no log here yet")


def export(running: Service, *arguments: str) -> str:
    done = run("export", *arguments, "--data-dir", str(running.data_dir))
    assert done.returncode == 0, done.stderr
    return done.stdout


def grown(running: Service, size: int) -> None:
    wait_until(lambda: signed(running, "public") >= size, f"{size} signed entries")


def signed(running: Service, log: str) -> int:
    checkpoint = running.data_dir / "publish" / log / "checkpoint"
    return int(checkpoint.read_text().splitlines()[1]) if checkpoint.exists() else 0


def key_of(listed: str, log: str) -> str:
    return next(
        line.partition(": ")[2] for line in listed.splitlines() if line.startswith(f"verification key of {log}")
    )
