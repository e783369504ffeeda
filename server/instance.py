"""The data directory, and the lock that makes sure one service at a time works on it.

keys/       keys and passwords, 0600; back them up apart from everything else
signer/     what each signer remembers
publish/    checkpoints as they were published, one directory per log
postgres/   the embedded database, where there is one
address     where the running service answers, for subcommands on this machine
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from server.errors import StartRefused

PRIVATE = 0o700
ADDRESS = "address"


class Instance:
    """One data directory, held by this process until `release` or its end, however it ends."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir
        self.keys = data_dir / "keys"
        self.signer = data_dir / "signer"
        self.publish = data_dir / "publish"
        self._lock: int | None = None

    def prepare(self) -> None:
        """Make the directories. Raises StartRefused where that is not possible."""
        try:
            for directory in (self.path, self.keys, self.signer, self.publish):
                directory.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            probe = self.path / f"probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise StartRefused(
                f"The data directory {self.path} cannot be written ({error.strerror}).",
                "Make it writable, or choose another with --data-dir.",
            ) from None

    def acquire(self) -> None:
        """Take the lock, or raise StartRefused naming who holds it. The kernel lets go of it when the process dies."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise StartRefused(
                f"SecondWind already runs on {self.path} (process {holder}).", "Stop it, or choose another --data-dir."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._lock = descriptor

    def release(self) -> None:
        """Let go of the lock."""
        if self._lock is not None:
            with contextlib.suppress(OSError):
                os.close(self._lock)
            self._lock = None


def announce(data_dir: Path, address: str) -> None:
    """Write down where the running service answers. Only the holder of the lock may."""
    new = data_dir / f"{ADDRESS}.new"
    new.write_text(f"{address}\n", encoding="utf-8")
    new.replace(data_dir / ADDRESS)


def announced(data_dir: Path) -> str | None:
    """Where the service of this data directory answers, or answered before it was killed; None after a clean stop."""
    try:
        return (data_dir / ADDRESS).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def withdraw(data_dir: Path, address: str) -> None:
    """Forget the address, unless the next service has already written its own."""
    if announced(data_dir) == address:
        (data_dir / ADDRESS).unlink(missing_ok=True)
