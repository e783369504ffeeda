"""One key store in several places: a key counts when it is everywhere, and is gone when it is nowhere (attacks D1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.vault.keystore import KeyStore


class CopiedKeyStore:
    """The same keys in each of `stores`. A store that cannot be written fails the call, so no copy stays behind."""

    def __init__(self, stores: Sequence[KeyStore]) -> None:
        self._stores = tuple(stores)

    def load(self, key_id: str) -> bytes | None:
        """Return the key from the first store that has it, and bring it to those that have not; None without any."""
        found = [store.load(key_id) for store in self._stores]
        key = next((key for key in found if key is not None), None)
        if key is not None:
            for store, had in zip(self._stores, found, strict=True):
                if had is None:
                    store.create(key_id, key)
        return key

    def create(self, key_id: str, key: bytes) -> bytes:
        """As KeyStore: the first store decides which of two keys counts."""
        first, *others = self._stores
        key = first.create(key_id, key)
        for store in others:
            store.create(key_id, key)
        return key

    def destroy(self, key_id: str) -> bool:
        """As KeyStore: gone from every store."""
        was_there = [store.destroy(key_id) for store in self._stores]
        return any(was_there)

    def ids(self) -> list[str]:
        """Names of the keys that exist anywhere, sorted."""
        return sorted({key_id for store in self._stores for key_id in store.ids()})
