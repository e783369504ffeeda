"""Places within a place: a part of it, and a part whose files only this service's vault opens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from server.files.store import FileStore, Held
from server.vault import Tampered

if TYPE_CHECKING:
    from server.vault import Vault

PURPOSE = "files"


class Part:
    """The files of `store` below `prefix`."""

    def __init__(self, store: FileStore, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    async def read(self, name: str) -> Held | None:
        """See FileStore."""
        return await self._store.read(f"{self._prefix}/{name}")

    async def create(self, files: Mapping[str, bytes]) -> list[str]:
        """See FileStore."""
        taken = await self._store.create({f"{self._prefix}/{name}": data for name, data in files.items()})
        return [name.removeprefix(f"{self._prefix}/") for name in taken]

    async def write(self, name: str, data: bytes) -> None:
        """See FileStore."""
        await self._store.write(f"{self._prefix}/{name}", data)

    async def exchange(self, name: str, data: bytes, version: str | None) -> str | None:
        """See FileStore."""
        return await self._store.exchange(f"{self._prefix}/{name}", data, version)

    async def remove(self, names: list[str]) -> None:
        """See FileStore."""
        await self._store.remove([f"{self._prefix}/{name}" for name in names])


class SealedPart:
    """The same, sealed: each file opens only under its own whole name, so that none takes the place of another.

    Raises the vault's errors for files that do not open.
    """

    def __init__(self, store: FileStore, prefix: str, vault: Vault) -> None:
        self._store = Part(store, prefix)
        self._prefix = prefix
        self._vault = vault

    async def read(self, name: str) -> Held | None:
        """See FileStore."""
        held = await self._store.read(name)
        return None if held is None else Held(await asyncio.to_thread(self._open, name, held.data), held.version)

    async def create(self, files: Mapping[str, bytes]) -> list[str]:
        """See FileStore."""
        sealed = await asyncio.to_thread(lambda: {name: self._seal(name, data) for name, data in files.items()})
        return await self._store.create(sealed)

    async def write(self, name: str, data: bytes) -> None:
        """See FileStore."""
        await self._store.write(name, await asyncio.to_thread(self._seal, name, data))

    async def exchange(self, name: str, data: bytes, version: str | None) -> str | None:
        """See FileStore."""
        return await self._store.exchange(name, await asyncio.to_thread(self._seal, name, data), version)

    async def remove(self, names: list[str]) -> None:
        """See FileStore."""
        await self._store.remove(names)

    def _seal(self, name: str, data: bytes) -> bytes:
        key_id, sealed = self._vault.seal(PURPOSE, self._bound(name) + data)
        return f"{key_id}\n".encode() + sealed

    def _open(self, name: str, data: bytes) -> bytes:
        key_id, _, sealed = data.partition(b"\n")
        try:
            opened = self._vault.open(key_id.decode(), sealed)
        except ValueError:  # a key's name that is none, or too few bytes to be sealed
            raise Tampered(f"{self._prefix}/{name}") from None
        if not opened.startswith(self._bound(name)):
            raise Tampered(f"{self._prefix}/{name}")
        return opened.removeprefix(self._bound(name))

    def _bound(self, name: str) -> bytes:
        return f"{self._prefix}/{name}\n".encode()
