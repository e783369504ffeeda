"""What can go wrong with keys and sealed values; the tree stands in the package's docstring."""

from __future__ import annotations


class VaultError(Exception):
    """Base of everything the vault raises on purpose."""


class KeyDestroyed(VaultError):
    """The key is gone on purpose: what it sealed is erased, and that is not a fault."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"key {key_id} was destroyed; what it sealed is erased")
        self.key_id = key_id


class KeyMissing(VaultError):
    """A key that must exist does not."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"key {key_id} is missing from the key store: restore the keys directory from its own backup")
        self.key_id = key_id


class EpochMissing(VaultError):
    """The safe does not hold the key of a week that people's keys are wrapped by. Nobody is erased by that."""

    def __init__(self, epoch: str) -> None:
        super().__init__(f"the safe does not hold {epoch}: mount it, or name another place of it")
        self.epoch = epoch


class Tampered(VaultError):
    """Sealed bytes were changed, or are presented for another log or entry than they were sealed for."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"a value sealed under {key_id} does not open: it was changed or moved")
        self.key_id = key_id
