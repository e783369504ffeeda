"""Exports over HTTP: whole, in parts, of another process, half-way gone."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path

import aiohttp
import pytest

from ledger.export import Range
from server.exports import routes, shelf, spool
from server.exports.maker import Progress, make
from server.exports.sheet import SheetAPI
from server.http.streaming import Streams
from server.public.chosen import ChosenReads
from server.public.lists import ListReads
from server.public.reads import PublicReads
from tests.server.exports.made import Exported
from tests.server.exports.reading import read
from tests.server.http.serving import Edge, assert_problem, serving
from tests.support.loaded import unlock

PATH = "/api/v1/ledger/export"
PART = f"{PATH}?from=100&to=400"


async def test_a_range_is_served_whole_named_and_for_ever(log: Exported, tmp_path: Path) -> None:
    expected = await log.export(100, 400, tmp_path / "out.tar")
    async with served(log, exporting(log), tmp_path / "shelf") as edge:
        whole = await edge.get(PART)
        assert (whole.status, whole.body) == (200, expected)
        assert whole.headers["content-disposition"] == 'attachment; filename="export-100-400.tar"'
        assert whole.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert whole.headers["accept-ranges"] == "bytes"
        assert (await edge.get(PART, If_None_Match=whole.headers["etag"])).status == 304
        head = await edge.request("HEAD", PART)
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(expected)))
        old = await edge.get(PART.replace("/api/v1/", "/api/transparency/"))
        assert old.body == expected
    assert not (tmp_path / "shelf").exists(), "nothing is left when it stops"


async def test_a_download_is_resumed_at_another_process_after_growth_and_is_the_same_file(
    log: Exported, tmp_path: Path
) -> None:
    async with served(log, exporting(log), tmp_path / "one") as edge:
        whole = await edge.get(PART)
        half = await edge.get(PART, Range="bytes=0-99999")
        assert (half.status, half.headers["content-range"]) == (206, f"bytes 0-99999/{len(whole.body)}")
    await log.sign_anew()
    async with served(log, exporting(log), tmp_path / "two") as edge:
        rest = await edge.get(PART, Range="bytes=100000-", If_Range=half.headers["etag"])
        assert rest.status == 206
        assert sha256(half.body + rest.body).digest() == sha256(whole.body).digest()
        last = await edge.get(PART, Range="bytes=-1024")
        assert (last.status, last.body) == (206, bytes(1024))


async def test_a_part_of_another_version_is_answered_with_the_whole(log: Exported, tmp_path: Path) -> None:
    """Else two halves of two files would be put together."""
    async with served(log, exporting(log), tmp_path / "shelf") as edge:
        growing = await edge.get(f"{PATH}?from=100")
        assert growing.headers["cache-control"] == "no-cache"
        await log.sign_anew()
        rest = await edge.get(f"{PATH}?from=100", Range="bytes=5000-", If_Range=growing.headers["etag"])
        assert rest.status == 200
        found = read(rest.body, log.maker.key.vkey)
        assert found.end == log.maker.checker.size


async def test_what_cannot_be_exported_is_a_problem_that_says_why(
    log: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "ENTRIES_MAX", 500)
    size = log.maker.checker.size
    async with served(log, partial(exporting(log), read_max=200), tmp_path / "shelf") as edge:
        assert_problem(await edge.get(f"{PATH}?from=0&to={size + 1}"), 404, "range-unsigned")
        assert_problem(await edge.get(f"{PATH}?from=5&to=5"), 400, "invalid-input")
        assert_problem(await edge.get(f"{PATH}?from=-1"), 400, "invalid-input")
        assert_problem(await edge.get(f"{PATH}?from=0&to=501"), 400, "range-too-long")
        far = assert_problem(await edge.get(f"{PATH}?from=218&to=219"), 400, "range-too-long")
        assert far["detail"] == "It is proved from entry 0 on: 219 entries, at most 200 are read here."
        behind = await edge.get(f"{PATH}?from=0&to=9", Range="bytes=999999999-")
        assert_problem(behind, 416, "range-not-satisfiable")
        assert behind.headers["content-range"].startswith("bytes */")


async def test_an_export_that_takes_long_goes_on_and_is_there_for_who_comes_back(
    log: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()
    begun = 0

    async def slow(chosen: Range, out: Path, progress: Progress) -> None:
        nonlocal begun
        begun += 1
        progress(7, 300)
        await go_on.wait()
        await make(log.source, chosen, out, progress, store=log.keys)

    monkeypatch.setattr(shelf, "WAIT_TIMEOUT_S", 0.3)
    async with served(log, slow, tmp_path / "shelf") as edge:
        for answer in await asyncio.gather(*(edge.get(PART) for _ in range(5))):
            assert "7 of 300 entries" in assert_problem(answer, 503, "export-not-yet")["detail"]
            assert int(answer.headers["retry-after"]) > 0
        go_on.set()
        async with asyncio.timeout(20):
            while (answer := await edge.get(PART)).status == 503:
                pass
        assert answer.status == 200
    assert begun == 1


async def test_an_answer_that_breaks_off_is_never_taken_for_a_whole_one(
    log: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk gives fewer bytes than it said it had."""
    monkeypatch.setattr(routes, "_described", lambda _file: ("tag", 10**9))
    async with served(log, exporting(log), tmp_path / "shelf") as edge:
        with pytest.raises(aiohttp.ClientError):
            await edge.get(PART)


async def test_a_full_disk_and_a_log_that_was_tampered_with_give_nothing_away(
    log: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(log, exporting(log), tmp_path / "shelf") as edge:
        with monkeypatch.context() as full:
            full.setattr(spool.Spooled, "write", no_space)
            assert "no room" in assert_problem(await edge.get(PART), 503, "unavailable")["detail"]
        assert (await edge.get(PART)).status == 200, "there is room again"
        await unlock(log.admin)
        await log.admin.execute("update ledger_entries set bytes = bytes || ' ' where position = 300")
        assert (await edge.get(PART)).status == 200, "what is kept was proved before"
        assert_problem(await edge.get(f"{PATH}?from=100&to=401"), 500, "internal-error")


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def exporting(log: Exported) -> shelf.Make:
    """How the service makes them."""
    return partial(make, log.source, store=log.keys)


@asynccontextmanager
async def served(log: Exported, making: shelf.Make, directory: Path) -> AsyncIterator[Edge]:
    """An edge with a shelf of its own, as another process has."""
    kept = shelf.Shelf(directory, making)
    streams = Streams()
    api = routes.ExportAPI(log.source, log.maker.key.name, kept, streams)
    sheet = SheetAPI(ChosenReads(PublicReads(log.pool), ListReads(log.pool)), streams)
    try:
        async with serving(routes.routes(api, sheet)) as edge:
            yield edge
    finally:
        await kept.close()
