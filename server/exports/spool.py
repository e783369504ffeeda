"""The members of an export on their way into the archive: files of a directory that is gone afterwards."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from ledger import archive
from ledger.export import Member

COPY_BYTES = 1024 * 1024


class Spooled:
    """One member, growing. `gz`: it is written as gzip with stored blocks."""

    def __init__(self, path: Path, *, gz: bool = False) -> None:
        self.path = path
        self._file = path.open("wb")
        self._gz = archive.StoredGzip() if gz else None
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, content: bytes) -> None:
        """Append content."""
        self._put(self._gz.feed(content) if self._gz else content)

    def close(self) -> None:
        """End it; what it needs of the disk shows here at the latest."""
        if self._gz:
            self._put(self._gz.finish())
        self._file.close()

    def member(self, name: str) -> Member:
        """What the manifest says of it."""
        return Member(name, self._size, self._digest.digest())

    def _put(self, content: bytes) -> None:
        self._file.write(content)
        self._digest.update(content)
        self._size += len(content)


class Spool:
    """Members by name, in a directory of their own. Bytes go to the disk as they come, so none is held."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._held: dict[str, Spooled] = {}

    def open(self, name: str) -> Spooled:
        """A new member; `close` ends all of them."""
        made = Spooled(self._directory / f"{len(self._held)}", gz=name.endswith(".gz"))
        self._held[name] = made
        return made

    def put(self, name: str, content: bytes | str) -> None:
        """A whole member."""
        self.open(name).write(content.encode() if isinstance(content, str) else content)

    def close(self) -> None:
        """End every member."""
        for held in self._held.values():
            held.close()

    def members(self, names: Iterable[str]) -> list[Member]:
        """Those of `names` that there are, in this order."""
        return [self._held[name].member(name) for name in names if name in self._held]

    def pack(self, out: BinaryIO, prefix: str, first: tuple[str, bytes], names: Iterable[str]) -> None:
        """Write the archive: the member `first`, then those of `names` that there are, then its end."""
        name, content = first
        out.write(archive.header(prefix + name, len(content)) + content + archive.padding(len(content)))
        for member in self.members(names):
            out.write(archive.header(prefix + member.name, member.size))
            with self._held[member.name].path.open("rb") as file:
                shutil.copyfileobj(file, out, COPY_BYTES)
            out.write(archive.padding(member.size))
        out.write(archive.END)
