"""Epoch keys: one a week, around every subject key, so that what a backup holds of those dies on a known date (D1).

An epoch is a week and is named after its Monday. Its key lies in the safe, which is never part of a backup. Three
epochs are kept: this week's and the two before it; so a copy of the key store opens for two to three weeks and never
again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from server.vault.errors import EpochMissing
from server.vault.keystore import KEY_BYTES

if TYPE_CHECKING:
    from server.vault.keystore import KeyStore

EPOCHS_MAX = 3
_PREFIX = "epoch-"


class Epochs:
    """The epoch keys in one key store. `now` returns the wall clock (UTC), `random` that many random bytes."""

    def __init__(
        self, store: KeyStore, *, now: Callable[[], datetime], random: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._store = store
        self._now = now
        self._random = random
        self._cache: dict[str, bytes] = {}

    def current(self) -> tuple[str, bytes]:
        """Return this week's epoch and its key, made and durable when it is new."""
        epoch = epoch_of(self._now().date())
        # Asked of the store every time: another process, with another clock, may have destroyed it.
        key = self._store.load(epoch) or self._store.create(epoch, self._random(KEY_BYTES))
        self._cache[epoch] = key
        return epoch, key

    def load(self, epoch: str) -> bytes:
        """Return the key of an epoch. Raises EpochMissing when it is gone, or the safe not there."""
        key = self._cache.get(epoch) or self._store.load(epoch)
        if key is None:
            raise EpochMissing(epoch)
        self._cache[epoch] = key
        return key

    def exists(self, epoch: str) -> bool:
        """Whether the safe has this epoch's key."""
        return self._store.load(epoch) is not None

    def kept(self) -> frozenset[str]:
        """The epochs that may exist: this week's and the two before it."""
        today = self._now().date()
        return frozenset(epoch_of(today - timedelta(weeks=weeks)) for weeks in range(EPOCHS_MAX))

    def surplus(self) -> list[str]:
        """Epochs that exist and may not: too old, or of a future that a wrong clock saw."""
        kept = self.kept()
        return [name for name in self._store.ids() if name.startswith(_PREFIX) and name not in kept]

    def destroy_surplus(self) -> list[str]:
        """Destroy the epochs that may not exist, and return them: whatever they still wrap, wherever, is gone."""
        surplus = self.surplus()
        for epoch in surplus:
            self._cache.pop(epoch, None)
            self._store.destroy(epoch)
        return surplus


def epoch_of(day: date) -> str:
    """Return the name of a day's epoch."""
    return f"{_PREFIX}{day - timedelta(days=day.weekday()):%Y-%m-%d}"
