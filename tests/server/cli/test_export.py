"""`secondwind export` beside a running service: to strangers, to auditors, and to nobody who asks for nonsense."""

from __future__ import annotations

import io
import json
import os
import stat
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from ledger.grammar import encode_base64
from server.cli import main
from tests.clients.verifier.published import judge
from tests.server.cli.command_line import refused
from tests.server.exports.reading import read
from tests.support.service import Service, service, wait_until


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a few gifts; each test leaves it running."""
    with service(tmp_path_factory.mktemp("exporting") / "data", "--demo", "--rate", "50") as made:
        made.start()
        wait_until(lambda: signed(made, "public") >= 30, "signed gifts")
        wait_until(lambda: signed(made, "books") >= 30, "signed books")
        yield made


@pytest.fixture
def auditor(tmp_path: Path) -> tuple[Path, str]:
    """An auditor's secret key, in a file, and the public one."""
    file = tmp_path / "auditor.key"
    made = run("export", "key", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    refused(run("export", "key", str(file)), "cannot be made", "does not exist yet")
    return file, made.stdout.partition("--auditor ")[2].split()[0]


def test_a_range_is_the_same_bytes_from_two_processes_after_growth_a_new_key_and_a_restart(
    running: Service, tmp_path: Path
) -> None:
    """Design 8."""
    once, again, later = (tmp_path / f"{name}.tar" for name in ("once", "again", "later"))
    path = "/api/v1/ledger/export?from=3&to=30"
    served = running.get(path)
    key = running.vkey()
    made = export(running, "--from", "3", "--to", "30", "--out", str(once))
    assert f"{once}: entries 3 to 29 of " in made
    assert once.read_bytes() == served
    assert run("keys", "renew-export", "--data-dir", str(running.data_dir)).returncode == 0
    running.stop()
    before = signed(running, "public")
    running.start()
    wait_until(lambda: signed(running, "public") > before + 60, "entries that the new key is for")
    export(running, "--from", "3", "--to", "30", "--out", str(again))
    export(running, "--from", "3", "--out", str(later))
    assert again.read_bytes() == running.get(path) == served
    first, last = read(served, key), read(later.read_bytes(), key)
    assert first.files["export-key"] != last.files["export-key"]
    check(again, key)
    check(later, key)
    assert last.events[: len(first.events)] == first.events


def test_an_auditor_opens_the_books_alone_and_that_he_got_them_was_written_down_first(
    running: Service, tmp_path: Path, auditor: tuple[Path, str]
) -> None:
    """EXPORT.md 9, A8."""
    secret, public = auditor
    books, audit, openings = tmp_path / "books.tar", tmp_path / "audit.tar", tmp_path / "openings.ndjson"
    named = ["--actor", "ada", "--recipient", "Example Auditors"]
    given = export(running, "--log", "books", "--out", str(books), *named, "--auditor", public)
    position = int(given.partition("stands in audit at ")[2].partition(".")[0])
    wait_until(lambda: signed(running, "audit") > position, "a checkpoint over what was written down")
    export(running, "--log", "audit", "--out", str(audit), *named)
    keys = run("keys", "list", "--data-dir", str(running.data_dir)).stdout
    written = read(audit.read_bytes(), key_of(keys, "audit")).events[position]
    assert b'"type":"audit.export.given.v1"' in written
    assert b"ada" not in written
    check(books, key_of(keys, "books"))
    check(audit, key_of(keys, "audit"))
    assert stat.S_IMODE(books.stat().st_mode) == 0o600
    assert run("export", "open", str(books), "--key", str(secret), "--out", str(openings)).returncode == 0
    assert stat.S_IMODE(openings.stat().st_mode) == 0o600
    opened = [json.loads(line) for line in openings.read_text().splitlines()]
    one = tmp_path / "one.opening"
    one.write_text(json.dumps(opened[-1]))
    check(books, key_of(keys, "books"), "--opening", str(one))
    gifts = [one for one in read(books.read_bytes(), key_of(keys, "books")).events if b'"private"' in one]
    assert len(opened) == len(gifts) > 0
    assert any(slot["value"] is not None for one in opened for slot in one["slots"])


def test_nobody_else_opens_it_and_what_was_changed_is_not_opened(
    running: Service, tmp_path: Path, auditor: tuple[Path, str]
) -> None:
    secret, public = auditor
    file, theirs = tmp_path / "books.tar", tmp_path / "other.key"
    export(running, "--log", "books", "--out", str(file), "--actor", "a", "--recipient", "b", "--auditor", public)
    assert run("export", "key", str(theirs)).returncode == 0
    arguments = ["--out", str(tmp_path / "openings")]
    refused(run("export", "open", str(file), "--key", str(theirs), *arguments), "there is no private/")
    refused(run("export", "open", str(file), "--key", str(file), *arguments), "cannot be read")
    with file.open("r+b") as opened:
        opened.seek(-2_000, os.SEEK_END)
        opened.write(b"spoiled")
    arguments = ["--out", str(tmp_path / "spoiled")]
    refused(run("export", "open", str(file), "--key", str(secret), *arguments), "books.tar: ", "not to be used")


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


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--log", "books", "--actor", "ada"], "--recipient is missing"),
        (["--log", "audit", "--recipient", "ada"], "--actor is missing"),
        (["--auditor", encode_base64(bytes(32))], "the same for everybody"),
        (["--log", "books", "--actor", "a", "--recipient", "b", "--auditor", "c2hvcnQ="], "no X25519 key"),
        (["--log", "books", "--actor", "a", "--recipient", "b", "--auditor", encode_base64(bytes(32))], "small order"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_written_down(
    arguments: list[str], says: str, tmp_path: Path
) -> None:
    """Not even a database is asked."""
    refused(run("export", *arguments, "--data-dir", str(tmp_path)), says)
    assert not any(tmp_path.iterdir())


def run(*arguments: str) -> CompletedProcess[str]:
    """The command line in this process, which is not the service's."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    return CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def export(running: Service, *arguments: str) -> str:
    done = run("export", *arguments, "--data-dir", str(running.data_dir))
    assert done.returncode == 0, done.stderr
    return done.stdout


def check(file: Path, key: str, *arguments: str) -> None:
    """verify.py finds nothing wrong; all it misses is somebody outside who has seen the log."""
    code, report = judge(str(file), "--key", key, *arguments)
    assert (code, report["undecided"]) == (2, ["seen"]), report


def signed(running: Service, log: str) -> int:
    checkpoint = running.data_dir / "publish" / log / "checkpoint"
    return int(checkpoint.read_text().splitlines()[1]) if checkpoint.exists() else 0


def key_of(listed: str, log: str) -> str:
    return next(
        line.partition(": ")[2] for line in listed.splitlines() if line.startswith(f"verification key of {log}")
    )
