"""The real service as its own process, for tests that kill it, restart it and look at it from outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent.parent
VERIFY = ROOT / "clients" / "verifier" / "verify.py"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
WAIT_TIMEOUT_S = 60.0
POLL_S = 0.05
READY = re.compile(r"http://127\.0\.0\.1:(\d+)|SecondWind works as ")


@dataclass
class Service:
    """One service on one data directory. `start` may be called again after `kill` or `stop`.

    Several with different `flags` may share a directory and tell their logs apart by `name`. `within` is what the
    command is given to, for a service that runs in other surroundings; `program` the module that is run, and its words.
    """

    data_dir: Path
    flags: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    address: str = ""
    name: str = ""
    within: tuple[str, ...] = ()
    program: tuple[str, ...] = ("server",)
    process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start it and return its address, "" without the role `web`; the port stays the same at every later start."""
        program = (sys.executable, "-m", *self.program)
        command = [*program, "serve", "--data-dir", str(self.data_dir), "--port", str(self.port)]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("SECONDWIND_", "STRIPE_", "DATABASE_"))}
        with self._log_path().open("a") as log:
            self.process = subprocess.Popen(
                [*self.within, *command, *self.flags],
                cwd=ROOT,
                env={**clean, **self.environment},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if match := READY.search(line):
                if match[1] is not None:
                    self.port, self.address = int(match[1]), match[0]
                return self.address
        raise AssertionError(f"it ended with {self._ended()}: {self.log()[-2000:]}")

    def kill(self) -> None:
        """Kill -9: no chance to put anything in order. Its Postgres is left running."""
        assert self.process is not None
        self.process.kill()
        self._ended()

    def stop(self) -> int:
        """Ctrl-C; returns the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self._ended()

    def _ended(self) -> int:
        assert self.process is not None
        code = self.process.wait(STOP_TIMEOUT_S)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def postmaster_pid(self) -> int:
        """The process id of its Postgres."""
        return int((self.data_dir / "postgres" / "cluster" / "postmaster.pid").read_text().splitlines()[0])

    def get(self, path: str) -> bytes:
        """GET a path; the body whatever the status."""
        try:
            with urlopen(f"{self.address}{path}", timeout=10) as answer:  # noqa: S310 - our own service
                return bytes(answer.read())
        except HTTPError as error:
            return error.read()

    def json(self, path: str) -> Any:
        """GET a path as JSON."""
        return json.loads(self.get(path))

    def vkey(self) -> str:
        """The public log's key, as the test's own pin."""
        return self.get("/ledger/keys").decode().split()[0]

    def verify(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Run verify.py against it, isolated, as a stranger does; (exit code, report)."""
        command = [
            sys.executable,
            "-I",
            str(VERIFY),
            f"{self.address}/ledger",
            "--key",
            self.vkey(),
            "--json",
            *arguments,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, json.loads(done.stdout)

    def log(self) -> str:
        """What it wrote to stderr so far."""
        return self._log_path().read_text()

    def _log_path(self) -> Path:
        return self.data_dir.parent / f"{self.data_dir.name}{self.name}.log"


@contextlib.contextmanager
def service(
    data_dir: Path,
    *flags: str,
    within: tuple[str, ...] = (),
    program: tuple[str, ...] = ("server",),
    **environment: str,
) -> Iterator[Service]:
    """A service that is not started yet; whatever it is in the end, it and its Postgres are stopped."""
    made = Service(data_dir, flags, environment, within=within, program=program)
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield made
    finally:
        if made.process is not None:
            if made.process.poll() is not None and "DATABASE_URL" not in environment:
                # It was killed: a start and a clean stop take its Postgres along.
                with contextlib.suppress(AssertionError):
                    made.start()
            made.stop()


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = WAIT_TIMEOUT_S) -> None:
    """Wait for a condition, at most so long."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(POLL_S)


async def async_until(condition: Callable[[], bool], what: str, timeout_s: float = WAIT_TIMEOUT_S) -> None:
    """The same beside other tasks; the condition may block for a moment."""
    deadline = time.monotonic() + timeout_s
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        await asyncio.sleep(POLL_S)
