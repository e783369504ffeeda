"""The keys of an instance: where each lies, and that an absent safe stops the start instead of erasing everybody."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.errors import StartRefused
from server.keyring import Keyring
from server.settings import Settings
from server.vault import Subject

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def opened(data: Path, *safes: Path) -> Keyring:
    settings = Settings(data_dir=data, safe_dirs=tuple(str(path) for path in safes))
    return Keyring.open(settings, now=lambda: NOW)


async def test_people_s_keys_lie_beside_the_services_and_what_wraps_them_in_the_safe(tmp_path: Path) -> None:
    keyring = opened(tmp_path)
    assert await keyring.vault().hold(Subject(b"a" * 32)) is not None
    assert (tmp_path / "keys" / "subjects.db").is_file()
    assert [path.name for path in (tmp_path / "safe").iterdir()] == ["epoch-2026-08-31.key"]


async def test_a_safe_in_two_places_opens_from_either(tmp_path: Path) -> None:
    """D1: two live copies of every epoch key."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    holder = await opened(tmp_path / "data", one, two).vault().hold(Subject(b"a" * 32))
    assert await opened(tmp_path / "data", two).vault().hold(Subject(b"a" * 32)) == holder


def test_a_spoiled_key_file_is_one_sentence_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "subjects.db").write_bytes(b"no database" * 1_000)
    with pytest.raises(StartRefused, match="restore the keys directory"):
        opened(tmp_path)


async def test_a_safe_that_is_not_mounted_stops_the_start(tmp_path: Path) -> None:
    safe = tmp_path / "disk"
    safe.mkdir()
    await opened(tmp_path / "data", safe).vault().hold(Subject(b"a" * 32))
    opened(tmp_path / "data", safe).check()
    (safe / "epoch-2026-08-31.key").rename(tmp_path / "elsewhere.key")
    with pytest.raises(StartRefused, match="epoch-2026-08-31"):
        opened(tmp_path / "data", safe).check()
    safe.rmdir()
    with pytest.raises(StartRefused, match="is not there"):
        opened(tmp_path / "data", safe)
    assert not safe.exists()
