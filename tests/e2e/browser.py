"""A real Chromium on the page, and what the page shows, read in one moment."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import CDPSession, Page, async_playwright

from ledger import tiles
from tests.support.service import ROOT, Service, async_until

OUTPUT = ROOT / "test-output"
TURN_TIMEOUT_MS = 30_000
_SNAPSHOT = """() => ({
    rows: [...document.querySelectorAll('.rows li')].map(li => [Number(li.dataset.position), li.dataset.state]),
    totals: [...document.querySelectorAll('.funds .total')].map(total => total.textContent),
    note: document.querySelector('.note').textContent,
})"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows at one moment: positions from the top with their state, the totals, and up to which entry."""

    rows: list[tuple[int, str]]
    totals: list[str]
    folded: int

    @property
    def positions(self) -> list[int]:
        """The rows' positions, from the top."""
        return [position for position, _ in self.rows]

    @property
    def proved(self) -> list[int]:
        """The positions of the rows that are marked as proved, from the top."""
        return [position for position, state in self.rows if state == "proved"]


@asynccontextmanager
async def browser_page(
    address: str, *, width: int = 1280, height: int = 900, dark: bool = False
) -> AsyncIterator[Page]:
    """A page of a browser of its own; anything it complains about fails the test."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = await browser.new_page(
            viewport={"width": width, "height": height}, base_url=address, color_scheme="dark" if dark else "light"
        )
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda said: complaints.append(f"{said.text} {said.location}") if said.type == "error" else None
        )
        try:
            yield page
            assert not complaints, complaints
        finally:
            await browser.close()


@asynccontextmanager
async def sleepy_page(address: str) -> AsyncIterator[tuple[Page, CDPSession]]:
    """A page that can be hidden and frozen, with the session that does it.

    Playwright makes its pages believe that they are in front, and such a page is never frozen. Only a browser's own
    pages, reached over a connection that leaves its defaults alone, are as those of people.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with async_playwright() as driver:
        started = await driver.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", f"--remote-debugging-port={port}"]
        )
        try:
            browser = await driver.chromium.connect_over_cdp(f"http://127.0.0.1:{port}", no_defaults=True)
            page = await browser.contexts[0].new_page()
            await page.goto(address)
            yield page, await page.context.new_cdp_session(page)
        finally:
            await started.close()


async def verdict(page: Page, wanted: str) -> None:
    """Wait until the page's verdict is this one; where it is another one, the page's own words are in the failure."""
    await page.wait_for_function(
        "wanted => [wanted, 'failed'].includes(document.body.dataset.verdict)", arg=wanted, timeout=TURN_TIMEOUT_MS
    )
    told = await page.get_attribute("body", "data-verdict")
    assert told == wanted, await page.inner_text("main")


async def ready(page: Page) -> None:
    """Wait until the page has proved what there was when it was opened, and shows rows and totals."""
    await verdict(page, "proved")
    await page.wait_for_selector("li[data-state=proved]", timeout=TURN_TIMEOUT_MS)
    await page.wait_for_function(
        "() => /[0-9]/.test(document.querySelector('.note').textContent)", timeout=TURN_TIMEOUT_MS
    )


async def proved_up_to(page: Page, position: int) -> None:
    """Wait until the page shows an entry at or after this position as proved."""
    await page.wait_for_function(
        "wanted => [...document.querySelectorAll('li[data-state=proved]')].some(li => li.dataset.position >= wanted)",
        arg=position,
        timeout=TURN_TIMEOUT_MS,
    )


async def shown(page: Page) -> Shown:
    """What the page shows now."""
    seen: dict[str, Any] = await page.evaluate(_SNAPSHOT)
    digits = "".join(c for c in seen["note"] if c.isdigit())
    return Shown([(position, state) for position, state in seen["rows"]], seen["totals"], int(digits))


async def screenshot(page: Page, name: str) -> None:
    """Keep what the page looks like, as an artefact."""
    OUTPUT.mkdir(exist_ok=True)
    await page.screenshot(path=OUTPUT / f"page-{name}.png")


async def begin(running: Service) -> None:
    """Start it, and wait for its first checkpoint: before that the page can only ask again."""
    await asyncio.to_thread(running.start)
    await async_until(lambda: size(running) > 0, "the first checkpoint")


def size(running: Service) -> int:
    """Entries under the newest checkpoint."""
    newest = running.json("/status")["checkpoint"]
    return int(newest["size"]) if newest else 0


def published(running: Service, count: int) -> list[bytes]:
    """The first `count` entries of the public log, as its bundles have them."""
    entries: list[bytes] = []
    for n in range((count + tiles.TILE_WIDTH - 1) // tiles.TILE_WIDTH):
        width = min(tiles.TILE_WIDTH, count - n * tiles.TILE_WIDTH)
        entries += tiles.decode_bundle(running.get(f"/ledger/{tiles.entries_path(n, width)}"))
    return entries
