"""A published log in a directory, made without a database, for tests to spoil."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import io
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from ledger import canonical, genesis, tiles
from ledger.canonical import EMPTY_HASH, leaf_hash
from ledger.checkpoint import Checkpoint
from ledger.declared import Declared
from ledger.merkle import root
from ledger.note import SigningKey
from ledger.plan import State, plan_batch
from ledger.types import Command, Head
from tests.support.logs import born, clock_us, key_of, origin_of, public_gift

VERIFY = Path(__file__).resolve().parents[3] / "clients" / "verifier" / "verify.py"
KEY = key_of("public")


def good_entries(gifts: int) -> list[bytes]:
    """Genesis and some gifts, as the service itself would write them."""
    head = Head("public", origin_of("public"), "UTC", 0, EMPTY_HASH, 0, 1, -1)
    state, now = State(Declared("public")), clock_us()
    plan = plan_batch(head, state, [genesis.command(born("public"))], now)
    entries = [row.bytes for row in plan.entries]
    gift = [Command((public_gift(100 + n, fund=("rent", "tech", "general")[n % 3]),)) for n in range(gifts)]
    return entries + [row.bytes for row in plan_batch(plan.head, state, gift, now).entries]


@dataclass(frozen=True)
class Published:
    """A directory laid out as tlog-tiles; `write` publishes entries under a checkpoint that a key signs."""

    directory: Path
    key: SigningKey = KEY

    def write(self, entries: Sequence[bytes], *, size: int | None = None, signed_root: bytes | None = None) -> None:
        """Publish; `size` and `signed_root` let the checkpoint claim something else."""
        hashes = [leaf_hash(entry) for entry in entries]
        for n in range((len(entries) + 255) // 256):
            part, marks = entries[n * 256 : n * 256 + 256], hashes[n * 256 : n * 256 + 256]
            self.file(tiles.entries_path(n, len(part)), b"".join(len(e).to_bytes(2, "big") + e for e in part))
            self.file(tiles.path(0, n, len(part)), b"".join(marks))
        head = Checkpoint(self.key.name, len(entries) if size is None else size, signed_root or root(hashes))
        self.file("checkpoint", self.key.sign(head.text()).encode())

    def file(self, path: str, data: bytes) -> None:
        """Write one file below the directory."""
        target = self.directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def verify(self, *arguments: str, vkey: str = KEY.vkey) -> tuple[int, dict[str, Any]]:
        """Run verify.py on it as a stranger does."""
        return verify(str(self.directory), "--key", vkey, *arguments)

    def judge(self, *arguments: str, vkey: str = KEY.vkey) -> tuple[int, dict[str, Any]]:
        """The same in this process."""
        return judge(str(self.directory), "--key", vkey, *arguments)


def verify(*arguments: str) -> tuple[int, dict[str, Any]]:
    """(exit code, report) of `python -I verify.py … --json`."""
    command = [sys.executable, "-I", str(VERIFY), *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, cwd="/tmp")  # noqa: S108 - evidence files go there
    return done.returncode, json.loads(done.stdout)


def judge(*arguments: str) -> tuple[int, dict[str, Any]]:
    """The same without a process of its own, which takes most of a short run's time."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.chdir("/tmp"):  # noqa: S108 - evidence files go there
        code = _loaded().main([*arguments, "--json"])
    return code, json.loads(out.getvalue())


@functools.cache
def _loaded() -> ModuleType:
    return load()


def load() -> ModuleType:
    """verify.py as a module, to look inside."""
    spec = importlib.util.spec_from_file_location("verify_py", VERIFY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rechained(entries: Sequence[bytes], position: int, change: Callable[[dict[str, Any]], None]) -> list[bytes]:
    """Change one entry and give every later one the `prev` that follows: a rewrite by somebody who holds the key."""
    result = list(entries[:position])
    for data in entries[position:]:
        members = json.loads(data)
        if members["position"] == position:
            change(members)
        if members["position"] > 0:
            members["prev"] = canonical.encode([leaf_b64(result[-1])]).decode()[2:-2]
        result.append(json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
    return result


def leaf_b64(data: bytes) -> str:
    """`prev` of the entry after `data`."""
    from ledger.grammar import encode_base64

    return encode_base64(leaf_hash(data))


def moved(published: Published, directory: Path) -> Published:
    """The same log in another directory."""
    return replace(published, directory=directory)
