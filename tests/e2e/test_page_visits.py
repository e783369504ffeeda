"""What the page remembers from one visit to the next, against a service that was put back to an old backup."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page

from ledger import checkpoint
from tests.e2e.browser import begin, browser_page, proved_up_to, ready, screenshot, size, verdict
from tests.support.requires import requires
from tests.support.service import ROOT, Service, async_until, service

pytestmark = [
    pytest.mark.timeout(240),
    requires("chromium"),
    requires("npm", also=(ROOT / "server/http/static/app/index.html").exists()),
]


async def test_a_ledger_put_back_to_an_old_backup_is_told_from_the_one_seen_before(tmp_path: Path) -> None:
    with service(tmp_path / "data", "--demo", "--rate", "10") as running:
        await begin(running)
        await asyncio.to_thread(running.stop)
        await asyncio.to_thread(shutil.copytree, tmp_path / "data", tmp_path / "backup", symlinks=True)
        await begin(running)
        vkey = running.vkey()
        async with browser_page(running.address) as page:
            await page.goto("/")
            await proved_up_to(page, 60)
            await page.reload()
            await ready(page)
            await leave(page)
            seen = await kept(page)
            await asyncio.to_thread(running.stop)
            with restored(tmp_path / "backup", running.port, rate=1) as backup:
                await begin(backup)
                await page.goto("/")
                await verdict(page, "failed")
                await told(page, "rollback", "has become shorter", seen, vkey)
                await leave(page)
            with restored(tmp_path / "backup", running.port, rate=40) as backup:
                await begin(backup)
                beyond = checkpoint.open(seen, vkey).size
                await async_until(lambda: size(backup) > beyond, "another history")
                await page.goto("/")
                await verdict(page, "failed")
                evidence = await told(page, "fork", "tells two stories", seen, vkey)
                await page.reload()
                await verdict(page, "failed")
                assert await saved(page) == evidence
                await leave(page)


@contextmanager
def restored(data_dir: Path, port: int, *, rate: int) -> Iterator[Service]:
    """The service at the address it had, on an old copy of its data."""
    with service(data_dir, "--demo", "--rate", str(rate)) as made:
        made.port = port
        yield made


async def leave(page: Page) -> None:
    """End a visit; what the browser keeps stays."""
    await page.goto("about:blank")


async def remembered(page: Page) -> str:
    """The newest checkpoint that the browser keeps."""
    note: str = await page.evaluate(
        "Object.entries(localStorage).find(([name]) => name.startsWith('secondwind.seen:'))[1]"
    )
    return note


async def kept(page: Page) -> str:
    """The newest checkpoint that the browser keeps after a visit."""
    state = await page.context.storage_state()
    items = [item for origin in state["origins"] for item in origin["localStorage"]]
    return next(item["value"] for item in items if item["name"].startswith("secondwind.seen:"))


async def told(page: Page, code: str, words: str, seen: str, vkey: str) -> str:
    """The page says what happened, and the evidence holds two notes that the log's key signed."""
    told = await page.inner_text(".verdict.failed")
    assert words in told
    assert f"{code}: " in told
    assert await page.locator("li[data-state=received]").count() == 0
    await screenshot(page, code)
    assert await remembered(page) == seen
    evidence = await saved(page)
    before, now = evidence.split("--- seen before (in this browser) ---\n")[1].split("\n--- served now ---\n")
    heads = [checkpoint.open(note, vkey) for note in (before, now)]
    assert before == seen
    assert (heads[1].size < heads[0].size) == (code == "rollback")
    return evidence


async def saved(page: Page) -> str:
    """The evidence, as it is downloaded."""
    async with page.expect_download() as waiting:
        await page.click("a.evidence")
    return (await (await waiting.value).path()).read_text()
