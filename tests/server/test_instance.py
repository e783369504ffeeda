"""The data directory: private, held by one service at a time, and let go of however that ends."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from server.errors import StartRefused
from server.instance import Instance, announce, announced, withdraw
from tests.support.service import ROOT

HOLDER = """
import sys
from pathlib import Path
from server.instance import Instance
instance = Instance(Path(sys.argv[1]))
instance.prepare()
instance.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def made(path: Path) -> Instance:
    instance = Instance(path)
    instance.prepare()
    return instance


def test_every_directory_is_private(tmp_path: Path) -> None:
    instance = made(tmp_path / "a" / "data")
    for directory in (instance.path, instance.keys, instance.signer, instance.publish):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert sorted(path.name for path in instance.path.iterdir()) == ["keys", "publish", "signer"]


def test_the_lock_names_who_holds_it_and_is_given_back(tmp_path: Path) -> None:
    first, second = made(tmp_path), made(tmp_path)
    first.acquire()
    with pytest.raises(StartRefused, match=rf"process {os.getpid()}\).*--data-dir"):
        second.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()


def test_processes_with_different_roles_share_a_directory_and_each_role_is_there_once(tmp_path: Path) -> None:
    web, worker, second, whole = (made(tmp_path) for _ in range(4))
    web.acquire(["web"])
    worker.acquire(["worker", "signer"])
    with pytest.raises(StartRefused, match=rf"process {os.getpid()}\)"):
        second.acquire(["publisher", "signer"])
    second.acquire(["publisher"])  # nothing of the refused start is left behind
    with pytest.raises(StartRefused, match=rf"process {os.getpid()}\)"):
        whole.acquire()
    for instance in (web, worker, second):
        instance.release()
    whole.acquire()
    with pytest.raises(StartRefused, match=rf"process {os.getpid()}\)"):
        web.acquire(["web"])
    whole.release()


def test_the_lock_of_a_killed_service_is_free(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StartRefused, match=f"process {holder.pid}"):
            made(tmp_path).acquire()
        holder.kill()
        holder.wait(10)
        after = made(tmp_path)
        after.acquire()
        after.release()


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartRefused, match=r"cannot be written \(Not a directory\)\. Make it writable"):
        made(tmp_path / "file" / "data")


def test_the_address_is_known_from_the_start_to_the_clean_stop(tmp_path: Path) -> None:
    assert announced(tmp_path) is None
    announce(tmp_path, "http://127.0.0.1:8080")
    assert announced(tmp_path) == "http://127.0.0.1:8080"
    withdraw(tmp_path, "http://127.0.0.1:8080")
    assert announced(tmp_path) is None
    withdraw(tmp_path, "http://127.0.0.1:8080")


def test_the_address_of_the_next_service_is_left_alone(tmp_path: Path) -> None:
    announce(tmp_path, "http://127.0.0.1:2")
    withdraw(tmp_path, "http://127.0.0.1:1")
    assert announced(tmp_path) == "http://127.0.0.1:2"
