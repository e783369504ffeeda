"""A place for files, behind one Protocol, and the directory as one of them.

What all of them promise: a file is there whole or not at all; when a call returns, what it wrote survives a power cut;
and `exchange` is a compare-and-swap that no restored database takes back (attacks E6).

StoreAway   the place cannot be read or written now: the same call may succeed later
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, ParamSpec, Protocol, TypeVar

from ledger.errors import Unavailable

RETRY_AFTER_S = 1.0
LOCK_TIMEOUT_S = 10.0
LOCK_POLL_S = 0.01
REASON_LEN_MAX = 200

P = ParamSpec("P")
R = TypeVar("R")


class StoreAway(Unavailable):
    """The place for files cannot be used now."""

    retry_after_s = RETRY_AFTER_S


class Held(NamedTuple):
    """A file's bytes, and what `exchange` wants to hear to be sure that it replaces them."""

    data: bytes
    version: str


class FileStore(Protocol):
    """A place for files with names such as `tile/0/x001/067`. Every method may raise StoreAway."""

    async def read(self, name: str) -> Held | None:
        """The file, or None when it is not there."""

    async def create(self, files: Mapping[str, bytes]) -> list[str]:
        """Write files that are not there yet; the names of those that are, which stay as they are."""

    async def write(self, name: str, data: bytes) -> None:
        """Write a file, whatever was there."""

    async def exchange(self, name: str, data: bytes, version: str | None) -> str | None:
        """Write a file if it still is that version (None: if there is none); its new version, or None if it is not."""

    async def remove(self, names: list[str]) -> None:
        """Let files be gone that nobody needs any more; those that are gone already are no error."""


class DirectoryStore:
    """A directory: temporary files in it, synced, then linked or renamed into place; a lock file for `exchange`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def read(self, name: str) -> Held | None:
        """See FileStore."""
        return await _in_thread(self._read, name)

    async def create(self, files: Mapping[str, bytes]) -> list[str]:
        """See FileStore."""
        return await _in_thread(self._create, files)

    async def write(self, name: str, data: bytes) -> None:
        """See FileStore."""
        await _in_thread(self._replace, name, data)

    async def exchange(self, name: str, data: bytes, version: str | None) -> str | None:
        """See FileStore."""
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        while (done := await _in_thread(self._exchange, name, data, version)) is None:
            if time.monotonic() > deadline:
                raise StoreAway(f"the published files: another process held the lock for {LOCK_TIMEOUT_S:.0f} s")
            await asyncio.sleep(LOCK_POLL_S)
        return _version(data) if done else None

    async def remove(self, names: list[str]) -> None:
        """See FileStore."""
        await _in_thread(self._remove, names)

    def _read(self, name: str) -> Held | None:
        try:
            data = (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        return Held(data, _version(data))

    def _create(self, files: Mapping[str, bytes]) -> list[str]:
        taken, touched = [], set()
        for name, data in files.items():
            with self._temporary(name, data) as temporary:
                try:
                    os.link(temporary, self.path / name)
                except FileExistsError:
                    taken.append(name)
            touched.add((self.path / name).parent)
        for directory in touched:
            _sync(directory)
        return taken

    def _replace(self, name: str, data: bytes) -> None:
        with self._temporary(name, data) as temporary:
            temporary.replace(self.path / name)
        _sync((self.path / name).parent)

    def _exchange(self, name: str, data: bytes, version: str | None) -> bool | None:
        """None while another holds the lock. The kernel lets go of it when its process dies."""
        _make_directory(self.path)
        with (self.path / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return None
            held = self._read(name)
            if (held.version if held is not None else None) != version:
                return False
            self._replace(name, data)
        return True

    def _remove(self, names: list[str]) -> None:
        for name in names:
            path = self.path / name
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    @contextlib.contextmanager
    def _temporary(self, name: str, data: bytes) -> Iterator[Path]:
        """A synced file beside `name`, gone at the end. Readable by all: what is secret is sealed."""
        place = self.path / name
        _make_directory(place.parent)
        temporary = place.with_name(f".new-{os.getpid()}-{os.urandom(4).hex()}")
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _make_directory(path: Path) -> None:
    """A new directory's name has to survive as well, and that of each new one above it."""
    if not path.is_dir():
        _make_directory(path.parent)
        path.mkdir(exist_ok=True)
        _sync(path.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _in_thread(work: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
    """A sync may take long; the loop does not wait for it."""
    try:
        return await asyncio.to_thread(work, *arguments, **options)
    except OSError as error:
        raise StoreAway(f"the published files: {error.strerror or error}"[:REASON_LEN_MAX]) from error
