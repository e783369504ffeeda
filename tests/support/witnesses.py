"""A log of eight leaves as a witness meets it, and a witness as its own process."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger import merkle, note, proof, witness
from ledger.checkpoint import Checkpoint
from ledger.note import VerifyKey
from tests.support.service import ROOT
from tests.vectors.trees import HASHES, KEY

STOP_TIMEOUT_S = 15.0
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
_VKEY = re.compile(r"policy line: witness \S+ (\S+) ")
FORKED = [HASHES[1], *HASHES[1:]]
"""Another history of the same log: its first leaf is another."""


def path(old: int, new: int, hashes: Sequence[bytes] = HASHES) -> list[bytes]:
    """The consistency proof between two sizes of the log."""
    return proof.consistency(
        lambda nodes: [merkle.root(hashes[:new][i << level : (i + 1) << level]) for level, i in nodes], old, new
    )


def signed(size: int, hashes: Sequence[bytes] = HASHES, key: note.SigningKey = KEY) -> str:
    """The log's checkpoint of one size."""
    return key.sign(Checkpoint(key.name, size, merkle.root(hashes[:size])).text())


def request(old: int, new: int, hashes: Sequence[bytes] = HASHES) -> bytes:
    """The body that asks to go on from `old` to `new`."""
    return witness.format_request(old, path(old, new, hashes), signed(new, hashes)).encode()


@dataclass
class WitnessProcess:
    """`secondwind witness` on one directory; `start` may be called again after `kill`."""

    data_dir: Path
    policy: Path
    name: str = "witness.example.org/w1"
    port: int = 0
    address: str = ""
    vkey: str = ""
    process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start it and return its address, the same at every later start."""
        arguments = ["--data-dir", str(self.data_dir), "--policy", str(self.policy), "--name", self.name]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "server", "witness", "--port", str(self.port), *arguments],
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if not k.startswith("SECONDWIND_")},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        first, second = self.process.stdout.readline(), self.process.stdout.readline()
        address, vkey = _ADDRESS.search(first), _VKEY.search(second)
        assert address is not None, f"it said {first!r}"
        assert vkey is not None, f"it said {second!r}"
        self.address, self.vkey = address[0], vkey[1]
        self.port = int(self.address.rpartition(":")[2])
        return self.address

    @property
    def key(self) -> VerifyKey:
        """Its public key."""
        return VerifyKey.parse(self.vkey)

    def kill(self) -> None:
        """Kill -9."""
        assert self.process is not None
        self.process.kill()
        self._ended()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self._ended()

    def _ended(self) -> int:
        assert self.process is not None
        code = self.process.wait(STOP_TIMEOUT_S)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


@contextlib.contextmanager
def witness_process(directory: Path, *vkeys: str, name: str = "witness.example.org/w1") -> Iterator[WitnessProcess]:
    """A witness of the logs with these keys, started; ended when the block ends."""
    directory.mkdir(parents=True, exist_ok=True)
    policy = directory / "policy"
    policy.write_text("".join(f"log {vkey}\n" for vkey in vkeys) + "quorum none\n", encoding="utf-8")
    made = WitnessProcess(directory / "data", policy, name)
    made.start()
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.kill()
