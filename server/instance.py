"""The data directory, and the locks that make sure each work is done by one process at a time.

keys/       keys and passwords, 0600; back them up apart from everything else
safe/       keys that no backup may hold, and the erasure list; SECONDWIND_SAFE_DIRS puts it elsewhere
signer/     what each signer remembers
publish/    checkpoints as they were published, one directory per log
exports/    exports that were made for readers; gone at the next start
witness/    the key of the witness for other people's logs, where there is one, and what it cosigned; in no backup
postgres/   the embedded database, where there is one
address     where the running service answers, for subcommands on this machine
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Collection
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
        self.exports = data_dir / "exports"
        self.witness = data_dir / "witness"
        self._locks: list[int] = []

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

    def acquire(self, roles: Collection[str] = ()) -> None:
        """Take the directory for this process alone, or share it as the one with these `roles`.

        Raises StartRefused naming who holds it. The kernel lets go of a lock when its process dies.
        """
        try:
            self._take("lock", fcntl.LOCK_SH if roles else fcntl.LOCK_EX)
            for role in sorted(roles):
                self._take(f"lock-{role}", fcntl.LOCK_EX)
        except BlockingIOError:
            self.release()
            holders = ", ".join(self._holders()) or "unknown"
            raise StartRefused(
                f"SecondWind already runs on {self.path} (process {holders}).", "Stop it, or choose another --data-dir."
            ) from None

    def release(self) -> None:
        """Let go of what was taken."""
        while self._locks:
            with contextlib.suppress(OSError):
                os.close(self._locks.pop())

    def _take(self, name: str, how: int) -> None:
        descriptor = os.open(self.path / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise
        self._locks.append(descriptor)
        os.ftruncate(descriptor, 0)
        if how == fcntl.LOCK_EX:  # a name that many share would be that of whoever came last
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)

    def _holders(self) -> list[str]:
        """The processes that hold a lock alone. What a dead one wrote is still there, but nobody holds it."""
        found = set()
        for path in self.path.glob("lock*"):
            with path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    found.add(file.read(32).decode(errors="replace").strip())
        return sorted(found - {""})


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
