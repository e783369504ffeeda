"""What a subcommand that appends stands on: the logs of its data directory, beside a service or without one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ledger import canonical
from server.audit import events
from server.cli.parts import opened
from server.errors import StartRefused
from server.settings import Settings
from tests.support.service import service


def settings(data_dir: Path, **more: str) -> Settings:
    return Settings.load({"data_dir": data_dir, **more}, {})


async def test_where_no_log_was_born_nothing_is_appended_and_the_remedy_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="Start the service once"):
        async with opened(settings(tmp_path / "data")):
            pytest.fail("there is no log")


async def test_a_subcommand_appends_beside_the_running_service_and_after_it(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running:
        await asyncio.to_thread(running.start)
        beside = await record_and_read_back(tmp_path / "data")
    after = await record_and_read_back(tmp_path / "data")
    assert after == beside + 1


async def test_what_a_later_start_needs_is_declared_once(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with service(data_dir) as running:
        await asyncio.to_thread(running.start)
        sizes = []
        for _ in range(2):
            async with opened(settings(data_dir, assets="USD/2,SEK/2")) as parts:
                declared = await parts.readers["public"].declared()
                assert ("assets:cash", "SEK/2") in declared.accounts
                sizes.append((await parts.readers["books"].existing_head()).size)
        assert sizes[0] == sizes[1]


async def record_and_read_back(data_dir: Path) -> int:
    """Write one line into the audit trail; return its position."""
    async with opened(settings(data_dir)) as parts:
        position = await parts.trail.record(events.read(what="test", actor="ada", target="nothing"))
        stored = (await parts.readers["audit"].entries(position, 1))[0]
        assert canonical.parse_entry(stored.bytes).data == {"what": "test"}
        return position
