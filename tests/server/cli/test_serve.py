"""`secondwind serve` as a person meets it: what it prints, what it refuses, what it leaves behind, what it survives."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from server.embedded.leftovers import postmaster_pid
from server.instance import announced
from tests.server.cli.command_line import refused, run
from tests.support.service import ROOT, service, wait_until

pytestmark = pytest.mark.timeout(120)


def cluster(data_dir: Path) -> Path:
    return data_dir / "postgres" / "cluster"


def test_the_first_address_is_the_services_and_a_clean_stop_leaves_nothing_running(tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = [sys.executable, "-m", "server", "serve", "--port", "0", "--data-dir", str(data)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        address = announced(data)
        assert address is not None
        assert first == f"SecondWind is running at {address}\n"
        assert not address.endswith(":0")
        assert postmaster_pid(cluster(data)) is not None
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0 ", limits)  # a core dump would hold every key (attacks D5)
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read().endswith("Stopped.\n")
        assert process.wait(15) == 0
    assert postmaster_pid(cluster(data)) is None
    assert announced(data) is None
    assert sorted(path.name for path in data.iterdir()) == ["keys", "lock", "postgres", "publish", "safe", "signer"]


def test_a_second_start_names_the_holder_and_a_taken_port_is_told(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running:
        running.start()
        assert running.process is not None
        refused(run("serve", "--port", "0", "--data-dir", str(tmp_path / "data")), f"process {running.process.pid}")
        other = ("--data-dir", str(tmp_path / "other"))
        refused(run("serve", "--port", str(running.port), *other), f"Port {running.port}", "--port")
        assert announced(tmp_path / "data") == running.address  # a start that was refused takes nothing away
        assert not (tmp_path / "other" / "postgres").exists()  # it was told before anything was started


def test_a_process_without_the_role_web_takes_no_port(tmp_path: Path) -> None:
    with service(tmp_path / "data", "--roles", "worker,publisher,signer") as running, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        running.port = taken.getsockname()[1]
        assert running.start() == ""
        assert running.stop() == 0


def test_what_a_log_was_born_as_stays_so(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running:
        running.start()
        running.stop()
        again = ("serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
        refused(run(*again, SECONDWIND_ORIGIN="other.example.org/ledger"), "was born as")
        refused(run(*again, "--demo"), "--demo refused")
        refused(run(*again, STRIPE_API_KEY="sk_live_x"), "Live secrets refused")
        assert postmaster_pid(cluster(tmp_path / "data")) is None


def test_after_kill_9_of_the_service_the_next_start_takes_over_from_its_database(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running:
        running.start()
        old = running.postmaster_pid()
        size = running.json("/status")["size"]
        running.kill()
        assert postmaster_pid(cluster(tmp_path / "data")) == old
        running.start()
        assert running.postmaster_pid() != old
        wait_until(
            lambda: (running.json("/status").get("size") or 0) >= size, "the log as it was, or an anchor further"
        )
        assert running.stop() == 0


def test_after_kill_9_of_both_the_next_start_recovers(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running:
        running.start()
        size = running.json("/status")["size"]
        os.kill(running.postmaster_pid(), signal.SIGKILL)
        running.kill()
        running.start()
        wait_until(
            lambda: (running.json("/status").get("size") or 0) >= size, "the log as it was, or an anchor further"
        )
        assert running.stop() == 0


def test_an_address_that_cannot_be_listened_on_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused(run("serve", "--port", port, "--data-dir", str(tmp_path / "data")), f"Port {port}", "--port")
    refused(run("serve", "--port", "0", "--host", "192.0.2.1", "--data-dir", str(tmp_path / "data")), "192.0.2.1")
