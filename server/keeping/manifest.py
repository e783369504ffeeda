"""What a backup says of itself: its files with their hashes, written last, so that an unfinished one has none."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson

from server.errors import StartRefused

FORMAT = "secondwind-backup-v1"
NAME = "manifest.json"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """`schema`: migrations applied. `heads`: per log its origin, size and epoch. `files`: path to SHA-256 in hex."""

    made_at: str
    schema: tuple[str, ...]
    heads: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, str]

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read and check a backup, every byte of it. Raises StartRefused, naming what is wrong."""
        try:
            data = orjson.loads((directory / NAME).read_bytes())
            manifest = cls(data["made_at"], tuple(data["schema"]), data["heads"], data["files"])
            is_known = data["format"] == FORMAT
        except FileNotFoundError:
            raise StartRefused(
                f"{directory} holds no finished backup: {NAME} is not there.",
                "Take another one; this one was cut short.",
            ) from None
        except (OSError, ValueError, KeyError, TypeError):
            raise StartRefused(f"{directory / NAME} is not the list of a backup.", "Take another one.") from None
        if not is_known:
            raise StartRefused(
                f"{directory} is a backup of another format.", "Restore it with the version that made it."
            )
        for name, digest in manifest.files.items():
            path = directory / name
            if not path.is_file():
                raise StartRefused(f"The backup lacks {name}.", "Use another one.")
            if digest_of(path) != digest:
                raise StartRefused(f"{name} of the backup is not as it was written.", "Use another one.")
        return manifest

    def write(self, directory: Path) -> None:
        """Write it, when everything it names is on the disk."""
        data = {
            "format": FORMAT,
            "made_at": self.made_at,
            "schema": self.schema,
            "heads": self.heads,
            "files": dict(sorted(self.files.items())),
        }
        temporary = directory / f"{NAME}.new"
        temporary.write_bytes(orjson.dumps(data, option=orjson.OPT_INDENT_2))
        sync(temporary)
        temporary.rename(directory / NAME)
        sync(directory)


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def sync(path: Path) -> None:
    """Bring a file's bytes, or a directory's names, onto the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def copy_tree(source: Path, target: Path, pattern: str = "*") -> list[Path]:
    """Copy the files of that pattern for their owner's eyes only; those that vanish meanwhile are left out."""
    copied = []
    for path in sorted(source.rglob(pattern)) if source.is_dir() else ():
        place = target / path.relative_to(source)
        try:
            data = path.read_bytes() if path.is_file() else None
        except FileNotFoundError:
            continue
        if data is None:
            continue
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        copied.append(place)
    return copied
