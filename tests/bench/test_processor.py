"""Processor time: of a process and of its children, alive or ended."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.bench.processor import used_s

BURN = "import time\nwhile time.process_time() < 0.3: pass"


def test_the_time_of_a_child_that_ended_counts() -> None:
    before = used_s(os.getpid())
    subprocess.run([sys.executable, "-c", BURN], check=True)
    assert used_s(os.getpid()) - before >= 0.2


def test_the_time_of_a_child_that_lives_counts() -> None:
    before = used_s(os.getpid())
    with subprocess.Popen(
        [sys.executable, "-c", f"{BURN}\nprint(flush=True)\ninput()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert used_s(os.getpid()) - before >= 0.2
        child.communicate(b"\n")


def test_a_process_that_is_gone_took_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    assert used_s(child.pid) == 0
