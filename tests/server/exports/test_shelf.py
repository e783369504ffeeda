"""The shelf: made once, kept within a bound, gone at the end."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest

from ledger.export import Range
from server.exports import shelf
from server.exports.maker import Progress
from server.exports.shelf import Full, Shelf


def spans(count: int) -> list[Range]:
    return [Range("public", "ledger.example.org/ledger", 0, end) for end in range(1, count + 1)]


async def kilobyte(chosen: Range, out: Path, _progress: Progress) -> None:
    await asyncio.to_thread(out.write_bytes, bytes([chosen.end]) * 1000)


async def test_what_was_asked_for_longest_ago_goes_first_and_who_reads_it_reads_on(tmp_path: Path) -> None:
    kept = Shelf(tmp_path / "shelf", kilobyte, kept_bytes_max=2_500)
    one, two, three = spans(3)
    with await kept.open(one) as reading:
        for chosen in (two, one, three):
            (await kept.open(chosen)).close()
        assert sorted(path.name for path in (tmp_path / "shelf").iterdir()) == ["public-0-1.tar", "public-0-3.tar"]
        with await kept.open(two) as again:
            assert again.read() == bytes([2]) * 1000
        assert reading.read() == bytes([1]) * 1000
    await kept.close()
    assert not (tmp_path / "shelf").exists()


async def test_what_a_killed_process_left_is_gone(tmp_path: Path) -> None:
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "public-0-1.tar").write_bytes(b"half")
    kept = Shelf(tmp_path / "shelf", kilobyte)
    with await kept.open(spans(1)[0]) as file:
        assert file.read() == bytes([1]) * 1000
    await kept.close()


async def test_one_is_made_at_a_time_and_only_so_many_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "WAITING_MAX", 3)
    running, most = 0, 0

    async def watched(chosen: Range, out: Path, progress: Progress) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        await kilobyte(chosen, out, progress)
        running -= 1

    kept = Shelf(tmp_path / "shelf", watched)
    found = await asyncio.gather(*(kept.open(chosen) for chosen in spans(5)), return_exceptions=True)
    assert [isinstance(one, Full) for one in found] == [False, False, False, True, True]
    assert most == 1
    for one in found[:3]:
        one.close()  # type: ignore[union-attr]  # the first three are files, as was just said
    await kept.close()


async def test_a_failure_is_told_to_all_who_wait_and_the_next_one_tries_again(tmp_path: Path) -> None:
    full = True

    async def failing(chosen: Range, out: Path, progress: Progress) -> None:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        await kilobyte(chosen, out, progress)

    kept = Shelf(tmp_path / "shelf", failing)
    (chosen,) = spans(1)
    told = await asyncio.gather(kept.open(chosen), kept.open(chosen), return_exceptions=True)
    assert [type(one) for one in told] == [OSError, OSError]
    full = False
    (await kept.open(chosen)).close()
    await kept.close()


async def test_closing_stops_what_is_being_made(tmp_path: Path) -> None:
    async def never(_chosen: Range, _out: Path, _progress: Progress) -> None:
        await asyncio.Event().wait()

    kept = Shelf(tmp_path / "shelf", never)
    waiting = asyncio.create_task(kept.open(spans(1)[0]))
    await asyncio.sleep(0)
    await kept.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
