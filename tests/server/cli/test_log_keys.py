"""`secondwind keys introduce|retire` beside a running service: it signs on, and strangers can follow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ledger import checkpoint, note
from ledger.errors import NoteError
from ledger.note import SigningKey, VerifyKey
from tests.server.cli.command_line import refused, run
from tests.support.service import VERIFY, Service, service, wait_until

pytestmark = pytest.mark.timeout(150)


def signers(running: Service) -> set[bytes]:
    return {signature.key_id for signature in note.split(running.get("/ledger/checkpoint"))[1]}


def listed(running: Service) -> list[list[str]]:
    return [line.split() for line in running.get("/ledger/keys").decode().splitlines()]


def judged(running: Service, *arguments: str) -> int:
    """verify.py's exit code: 2 says that all holds, and that nobody outside has seen it."""
    command = [sys.executable, "-I", str(VERIFY), f"{running.address}/ledger", *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode


def test_a_key_is_introduced_and_the_old_one_retired_while_the_service_runs(tmp_path: Path) -> None:
    data, safe = tmp_path / "data", tmp_path / "recovery"
    with service(data, "--demo", "--rate", "10") as running:
        running.start()
        wait_until(lambda: not running.get("/ledger/checkpoint").startswith(b"{"), "something is signed")
        old = VerifyKey.parse(running.vkey())
        (data / "keys" / "recovery.key").rename(safe)
        recovery = SigningKey(f"{old.name}/recovery", safe.read_bytes()).vkey
        arguments = ("--data-dir", str(data), "--recovery-key", str(safe), "--after", "5")

        # A4: whoever has everything in the keys directory, and not the recovery key, changes no key.
        thief = ("--data-dir", str(data), "--recovery-key", str(data / "keys" / "log-public.key"))
        refused(run("keys", "introduce", *thief), "not the recovery key", "nothing was appended")
        refused(run("keys", "retire", old.key_id.hex(), *arguments), "could not be signed any more")
        assert sorted(path.name for path in (data / "keys").glob("log-public*")) == ["log-public.key"]

        done = run("keys", "introduce", *arguments)
        assert done.returncode == 0, done.stderr
        new = VerifyKey.parse(done.stdout.split()[0])
        wait_until(lambda: signers(running) == {old.key_id, new.key_id}, "both keys sign")
        assert judged(running, "--key", old.vkey) == 2

        done = run("keys", "retire", old.key_id.hex(), *arguments)
        assert done.returncode == 0, done.stderr
        wait_until(lambda: signers(running) == {new.key_id}, "the new key signs alone")
        (first, second) = listed(running)
        assert (first[0], first[1], second[0], second[2]) == (old.vkey, "0", new.vkey, "-")
        assert int(second[1]) <= int(first[2])
        with pytest.raises(NoteError):
            checkpoint.open(running.get("/ledger/checkpoint"), old)
        assert judged(running, "--recovery-key", recovery) == 2

        (data / "keys" / "log-public.key").unlink()
        assert running.stop() == 0
        running.start()
        told = running.get("/ledger/checkpoint")
        wait_until(lambda: running.get("/ledger/checkpoint") != told, "it signs on after a restart without the old key")
        incident(running, data)


def incident(running: Service, data: Path) -> None:
    """`secondwind incident declare` on the same service: said once, there for everybody."""
    done = run("incident", "declare", "--data-dir", str(data), "--text", "The key was stolen; it is replaced.")
    assert done.returncode == 0, done.stderr
    position = int(done.stdout.split()[-1].rstrip("."))
    entry = running.json(f"/api/v1/ledger/entries/{position}")
    assert (entry["type"], entry["data"]) == (
        "ledger.incident.declared.v1",
        {"text": "The key was stolen; it is replaced."},
    )
