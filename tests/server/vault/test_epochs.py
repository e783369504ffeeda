"""Epoch keys: one a week, three at a time, so that what a copy of the key store opens dies on a known date (D1)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from server.vault import EpochMissing, FileKeyStore
from server.vault.epochs import Epochs, epoch_of


def test_an_epoch_is_named_after_its_monday() -> None:
    assert epoch_of(date(2026, 9, 1)) == "epoch-2026-08-31"
    assert epoch_of(date(2026, 8, 31)) == "epoch-2026-08-31"
    assert epoch_of(date(2026, 8, 30)) == "epoch-2026-08-24"


def test_the_weeks_key_is_made_once_and_durable(tmp_path: Path) -> None:
    now = datetime(2026, 9, 1, tzinfo=UTC)
    epoch, key = Epochs(FileKeyStore(tmp_path), now=lambda: now).current()
    assert Epochs(FileKeyStore(tmp_path), now=lambda: now + timedelta(days=5)).current() == (epoch, key)
    assert FileKeyStore(tmp_path).load(epoch) == key


def test_an_epoch_lives_three_weeks_and_no_day_longer(tmp_path: Path) -> None:
    """D1: none older than three epochs."""
    clock = [datetime(2026, 9, 1, tzinfo=UTC)]
    epochs = Epochs(FileKeyStore(tmp_path), now=lambda: clock[0])
    first, _ = epochs.current()
    clock[0] = datetime(2026, 9, 20, 23, tzinfo=UTC)
    assert epochs.destroy_surplus() == []
    clock[0] = datetime(2026, 9, 21, tzinfo=UTC)
    assert epochs.destroy_surplus() == [first]
    with pytest.raises(EpochMissing, match=first):
        epochs.load(first)


def test_an_epoch_of_a_wrong_clocks_future_is_surplus(tmp_path: Path) -> None:
    store = FileKeyStore(tmp_path)
    Epochs(store, now=lambda: datetime(2031, 1, 1, tzinfo=UTC)).current()
    now, _ = (epochs := Epochs(store, now=lambda: datetime(2026, 9, 1, tzinfo=UTC))).current()
    assert epochs.surplus() == ["epoch-2030-12-30"]
    epochs.destroy_surplus()
    assert store.ids() == [now]


def test_other_keys_in_the_safe_are_no_epochs(tmp_path: Path) -> None:
    store = FileKeyStore(tmp_path)
    store.create("inbox-2020-01-01", bytes(32))
    assert Epochs(store, now=lambda: datetime(2026, 9, 1, tzinfo=UTC)).surplus() == []
