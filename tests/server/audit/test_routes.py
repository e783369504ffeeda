"""Auditors read the protected logs over HTTP, verify them with the stranger's tool, and are written down."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import asyncpg
import pytest

from ledger import canonical, tiles
from server.audit import events
from server.cli.keys import local_vkeys
from server.db import Database
from tests.server.cli.command_line import run
from tests.support.service import VERIFY, Service, service, wait_until


def fetch(running: Service, path: str, token: str | None) -> tuple[int, bytes]:
    """GET a path as the holder of `token`; (status, body)."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        with urlopen(Request(f"{running.address}{path}", headers=headers), timeout=10) as answer:  # noqa: S310 - our own service
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


def token(running: Service, role: str, subject: str = "ada") -> str:
    """A token as the operator issues it."""
    done = run("token", "--sub", subject, "--role", role, "--data-dir", str(running.data_dir))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def size_of(note: bytes) -> int:
    return int(note.split(b"\n")[1])


def mirror(running: Service, log: str, bearer: str, directory: Path) -> None:
    """Copy a protected log's files, as a mirror of any tlog-tiles log does."""
    _, note = fetch(running, f"/auditor/{log}/checkpoint", bearer)
    (directory / "checkpoint").parent.mkdir(parents=True, exist_ok=True)
    (directory / "checkpoint").write_bytes(note)
    size = size_of(note)
    numbers = range(-(-size // 256))
    paths = [tiles.path(0, n, tiles.width(0, n, size)) for n in numbers]
    paths += [tiles.entries_path(n, tiles.width(0, n, size)) for n in numbers]
    paths += [tiles.path(1, 0, tiles.width(1, 0, size))] if size >= 256 else []
    for path in paths:
        status, body = fetch(running, f"/auditor/{log}/{path}", bearer)
        assert status == 200, path
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(body)


def read_by(running: Service, bearer: str) -> list[str]:
    """What kinds of reading stand in the audit log."""
    _, note = fetch(running, "/auditor/audit/checkpoint", bearer)
    size = size_of(note)
    _, bundle = fetch(running, f"/auditor/audit/{tiles.entries_path(0, min(size, 256))}", bearer)
    entries = [canonical.parse_entry(data) for data in tiles.decode_bundle(bundle)]
    return [str(entry.data["what"]) for entry in entries if entry.type == events.READ]


def test_an_auditor_mirrors_the_books_verifies_them_and_is_written_down_once_per_token(tmp_path: Path) -> None:
    with service(tmp_path / "data", "--demo", "--rate", "40") as running:
        running.start()
        bearer = token(running, "auditor")
        wait_until(lambda: size_of(fetch(running, "/auditor/books/checkpoint", bearer)[1]) > 300, "300 entries")
        mirror(running, "books", bearer, tmp_path / "books")
        vkey = local_vkeys(running.data_dir)["books"]
        command = [sys.executable, "-I", str(VERIFY), str(tmp_path / "books"), "--key", vkey, "--json"]
        report = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout)
        assert report["size"] > 300
        assert (report["verdict"], report["unknown_types"]) == ("could-not-tell", {})  # seen by nobody outside before
        wait_until(lambda: read_by(running, bearer) == ["auditor-tiles"] * 2, "one reading per log")
        other = token(running, "auditor", "bob")
        assert fetch(running, "/auditor/books/checkpoint", other)[0] == 200
        wait_until(lambda: read_by(running, bearer) == ["auditor-tiles"] * 3, "the other one's reading")
        assert fetch(running, "/auditor/books/checkpoint", None)[0] == 401
        assert fetch(running, "/auditor/books/checkpoint", token(running, "staff"))[0] == 403
        status, body = fetch(running, "/auditor/books/tile/entries/x999", bearer)
        assert (status, b"tile-path-invalid" in body) == (400, True)


@pytest.mark.parametrize("table", ["ledger_slots", "publishing_anchors", "payments_inbox", "ledger_streams"])
async def test_the_auditors_role_reads_leaves_and_opens_nothing(database: Database, table: str) -> None:
    """Openings are handed out by a person, who is written down; no route can give them away."""
    assert await database.auditor.fetchval("select count(*) from ledger_entries") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.auditor.fetch(f"select * from {table}")


async def test_the_auditors_role_writes_nothing(database: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.auditor.execute("insert into ledger_entries select * from ledger_entries")
