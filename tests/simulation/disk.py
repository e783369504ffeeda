"""A disk in memory with a power switch, under the real `ledger.signer_state`; one for each machine.

What was written is seen by everybody at once (the page cache) and survives a kill. A power cut leaves what was synced:
the content of a file that was `fsync`ed, and the names of a directory that was; of names that were not, a prefix in the
order they were made survives, as a journal leaves it; content that was not synced is kept, torn or gone. A rename
is one step.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace
from typing import Self


@dataclass(eq=False, slots=True)
class Inode:
    """One file's content: as it is read now, and as it would be read after a power cut."""

    data: bytes = b""
    synced: bytes = b""


Change = tuple[str | None, str | None, Inode]
"""A name that goes, a name that comes, and the file: unlink has no second, link no first, rename has both."""


class Disk:
    """Files by path. `on_operation` is called before every operation with its name; it may raise Killed."""

    def __init__(self) -> None:
        self.on_operation: Callable[[str], None] = lambda _name: None
        self.files: dict[str, Inode] = {}
        self._durable: dict[str, Inode] = {}
        self._journals: dict[str, list[Change]] = {}
        self._open: dict[int, Inode | str] = {}
        self._opened = 100
        self._made = 0

    def path(self, name: str) -> DiskPath:
        """A path on this disk."""
        return DiskPath(self, name)

    def power_cut(self, dice: Random) -> None:
        """Everything that was not synced may be lost, as the die says."""
        for journal in self._journals.values():
            for change in journal[: dice.randrange(len(journal) + 1)]:
                _apply(self._durable, change)
            journal.clear()
        for inode in self._durable.values():
            if inode.data != inode.synced:
                kept = dice.choice((inode.data, inode.data[: len(inode.data) // 2], inode.synced))
                inode.data = inode.synced = kept
        self.files = dict(self._durable)
        self._open.clear()

    def certain(self, name: str) -> bytes | None:
        """What a file holds after the worst power cut; None when it may not be there."""
        inode = self._durable.get(name)
        return None if inode is None else inode.synced

    def as_os(self) -> SimpleNamespace:
        """What `ledger.signer_state` uses of the module `os`."""
        return SimpleNamespace(
            O_RDONLY=os.O_RDONLY,
            O_WRONLY=os.O_WRONLY,
            O_CREAT=os.O_CREAT,
            O_EXCL=os.O_EXCL,
            getpid=lambda: 1,
            urandom=self._unique,
            open=self._open_file,
            fdopen=lambda descriptor, _mode, closefd: self._writer(descriptor),  # noqa: ARG005 - os.fdopen's own
            fsync=self._sync,
            close=lambda descriptor: self._open.pop(descriptor, None),
            link=self._link,
        )

    def change(self, gone: str | None, come: str | None, inode: Inode) -> None:
        """Change names in a directory; durable when the directory is synced."""
        _apply(self.files, (gone, come, inode))
        directory = (gone or come or "").rpartition("/")[0]
        self._journals.setdefault(directory, []).append((gone, come, inode))

    def _unique(self, count: int) -> bytes:
        self._made += 1
        return self._made.to_bytes(count, "big")

    def _open_file(self, path: DiskPath, flags: int, _mode: int = 0o600) -> int:
        self._opened += 1
        if flags & os.O_CREAT:
            self.on_operation("create")
            if path.text in self.files:
                raise FileExistsError(path.text)
            inode = Inode()
            self.change(None, path.text, inode)
            self._open[self._opened] = inode
        else:
            self._open[self._opened] = path.text
        return self._opened

    def _writer(self, descriptor: int) -> _Writer:
        inode = self._open[descriptor]
        assert isinstance(inode, Inode)
        return _Writer(self, inode)

    def _sync(self, descriptor: int) -> None:
        self.on_operation("fsync")
        held = self._open[descriptor]
        if isinstance(held, Inode):
            held.synced = held.data
        else:
            for change in self._journals.pop(held, []):
                _apply(self._durable, change)

    def _link(self, source: DiskPath, target: DiskPath) -> None:
        self.on_operation("link")
        if target.text in self.files:
            raise FileExistsError(target.text)
        self.change(None, target.text, self.files[source.text])


class _Writer:
    """A file opened for writing, as a context manager."""

    def __init__(self, disk: Disk, inode: Inode) -> None:
        self._disk = disk
        self._inode = inode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing is buffered."""

    def write(self, data: bytes) -> None:
        """Append to the content, as the page cache has it."""
        self._disk.on_operation("write")
        self._inode.data += data


class DiskPath:
    """What `ledger.signer_state` uses of `pathlib.Path`."""

    def __init__(self, disk: Disk, text: str) -> None:
        self._disk = disk
        self.text = text

    @property
    def name(self) -> str:
        return self.text.rpartition("/")[2]

    @property
    def parent(self) -> DiskPath:
        return self._disk.path(self.text.rpartition("/")[0])

    def __truediv__(self, name: str) -> DiskPath:
        return self._disk.path(f"{self.text}/{name}")

    def with_name(self, name: str) -> DiskPath:
        return self.parent / name

    def mkdir(self, **_options: object) -> None:
        """Directories are there."""

    def read_bytes(self) -> bytes:
        inode = self._disk.files.get(self.text)
        if inode is None:
            raise FileNotFoundError(self.text)
        return inode.data

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def replace(self, target: DiskPath) -> None:
        self._disk.on_operation("rename")
        self._disk.change(self.text, target.text, self._disk.files[self.text])

    def unlink(self, *, missing_ok: bool = False) -> None:
        self._disk.on_operation("unlink")
        inode = self._disk.files.get(self.text)
        if inode is not None:
            self._disk.change(self.text, None, inode)
        elif not missing_ok:
            raise FileNotFoundError(self.text)

    def iterdir(self) -> Iterator[DiskPath]:
        inside = [text for text in self._disk.files if text.rpartition("/")[0] == self.text]
        return iter([self._disk.path(text) for text in inside])


def _apply(names: dict[str, Inode], change: Change) -> None:
    gone, come, inode = change
    if gone is not None:
        names.pop(gone, None)
    if come is not None:
        names[come] = inode
