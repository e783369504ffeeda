"""Where keys live: one file each, outside Postgres, so that no database backup holds what opens it (attacks D1)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Protocol

from server.vault.errors import KeyMissing

KEY_BYTES = 32
_KEY_ID = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class KeyStore(Protocol):
    """Named 32-byte keys. A KMS can stand behind the same five methods."""

    def load(self, key_id: str) -> bytes | None:
        """Return the key, or None when it does not exist (never made, or destroyed)."""

    def create(self, key_id: str, key: bytes) -> bytes:
        """Store a new key and return the one that counts: another process may have created it first."""

    def destroy(self, key_id: str) -> bool:
        """Remove the key for good; False when it was not there."""

    def ids(self) -> list[str]:
        """Names of the keys that exist, sorted."""


class FileKeyStore:
    """Keys as files `<directory>/<id>.key`, mode 0600, made with exclusive create and durable before use."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def load(self, key_id: str) -> bytes | None:
        """Return the key, or None when its file is not there. A file of another length is reported as missing."""
        try:
            key = self._path(key_id).read_bytes()
        except FileNotFoundError:
            return None
        if len(key) != KEY_BYTES:
            raise KeyMissing(key_id)
        return key

    def create(self, key_id: str, key: bytes) -> bytes:
        """Store `key` under `key_id` unless one is there; return the key that is there afterwards.

        The bytes are written and synced under a temporary name and then linked, so that a crash never leaves
        half a key and a second process never sees one.
        """
        if len(key) != KEY_BYTES:
            message = f"a key has {KEY_BYTES} bytes, not {len(key)}"
            raise ValueError(message)
        path = self._path(key_id)
        temporary = path.with_suffix(f".new-{os.getpid()}-{os.urandom(4).hex()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, key)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(temporary, path)
        except FileExistsError:
            existing = self.load(key_id)
            if existing is None:
                raise KeyMissing(key_id) from None
            return existing
        finally:
            temporary.unlink()
        self._sync_directory()
        return key

    def destroy(self, key_id: str) -> bool:
        """Overwrite and remove the key's file; False when it was not there."""
        path = self._path(key_id)
        try:
            descriptor = os.open(path, os.O_WRONLY)
        except FileNotFoundError:
            return False
        try:
            os.write(descriptor, bytes(KEY_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path.unlink(missing_ok=True)
        self._sync_directory()
        return True

    def ids(self) -> list[str]:
        """Names of the keys that exist, sorted."""
        return sorted(path.stem for path in self._directory.glob("*.key"))

    def _path(self, key_id: str) -> Path:
        if not _KEY_ID.fullmatch(key_id):
            message = f"{key_id!r} is not a key name: use lower-case letters, digits, '-' and '_'"
            raise ValueError(message)
        return self._directory / f"{key_id}.key"

    def _sync_directory(self) -> None:
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
