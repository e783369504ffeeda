"""The page in a real browser: it proves what it shows, and turns red when one byte is changed on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, WebSocketRoute, async_playwright

from tests.support.requires import requires
from tests.support.service import ROOT, service

pytestmark = [
    pytest.mark.timeout(180),
    requires("chromium"),
    requires("npm", also=(ROOT / "server/http/static/app/index.html").exists()),
]
OUTPUT = ROOT / "test-output"


@asynccontextmanager
async def browser_page(address: str, *, width: int = 1280, height: int = 900) -> AsyncIterator[Page]:
    """A page of a browser of its own; anything it complains about fails the test."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": width, "height": height}, base_url=address)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        try:
            yield page
            assert complaints == []
        finally:
            await browser.close()


async def verdict(page: Page, wanted: str) -> None:
    """Wait until the page's verdict is this one."""
    await page.wait_for_function("wanted => document.body.dataset.verdict === wanted", arg=wanted, timeout=30_000)


async def test_rows_arrive_and_turn_to_proved_by_the_browsers_own_computation(tmp_path: Path) -> None:
    OUTPUT.mkdir(exist_ok=True)
    with service(tmp_path / "data", "--demo", "--rate", "6") as running:
        await asyncio.to_thread(running.start)
        async with browser_page(running.address) as page:
            await page.goto("/")
            await verdict(page, "proved")
            await page.wait_for_selector("li[data-state=received]", timeout=30_000)
            newest = int(await page.get_attribute(".rows li", "data-position") or "0")
            await page.wait_for_selector(f"li[data-position='{newest}'][data-state=proved]", timeout=30_000)
            await page.screenshot(path=OUTPUT / "page-proved.png")
            shown = await page.inner_text(f"li[data-position='{newest}'] .amount")
            entry = running.json(f"/api/v1/ledger/entries/{newest}")
            cents = -int(next(p["amount"] for p in entry["postings"] if p["account"] == "income:gifts"))
            assert shown == f"${cents / 100:,.2f}"
            await page.click(f"li[data-position='{newest}'] button")
            assert (await page.inner_text(".drawer .raw")).startswith('{"at":')
            await page.keyboard.press("Escape")
        async with browser_page(running.address, width=360, height=740) as phone:
            await phone.goto("/")
            await verdict(phone, "proved")
            assert await phone.evaluate("document.documentElement.scrollWidth") == 360
            await phone.screenshot(path=OUTPUT / "page-phone.png")


async def test_one_changed_byte_on_the_way_turns_the_page_red(tmp_path: Path) -> None:
    OUTPUT.mkdir(exist_ok=True)
    with service(tmp_path / "data", "--demo", "--rate", "6") as running:
        await asyncio.to_thread(running.start)
        async with browser_page(running.address) as page:
            await page.route_web_socket("**/v1/ws", tampering)
            await page.goto("/")
            await verdict(page, "failed")
            assert "does not add up" in await page.inner_text(".verdict.failed")
            assert await page.locator("li[data-state=received]").count() == 0
            await page.screenshot(path=OUTPUT / "page-red.png")


def tampering(route: WebSocketRoute) -> None:
    """Pass everything on, but raise the amount of each live gift by a cent, on both sides so that it still sums."""
    server = route.connect_to_server()

    def altered(message: str | bytes) -> None:
        data = json.loads(message)
        if data["t"] == "ev" and '"income:gifts"' in data["d"]:
            entry = json.loads(data["d"])
            for line in entry["postings"]:
                step = {"assets:cash": 1, "income:gifts": -1}.get(line["account"], 0)
                line["amount"] = str(int(line["amount"]) + step)
            data["d"] = json.dumps(entry, sort_keys=True, separators=(",", ":"))
        route.send(json.dumps(data))

    server.on_message(altered)


async def test_a_service_that_shows_another_key_than_before_is_not_believed(tmp_path: Path) -> None:
    with service(tmp_path / "data", "--demo", "--rate", "2") as running:
        await asyncio.to_thread(running.start)
        origin = running.json("/status")["origin"]
        async with browser_page(running.address) as page:
            await page.add_init_script(f"localStorage.setItem('secondwind.key:{origin}', 'another key')")
            await page.goto("/")
            await verdict(page, "failed")
            assert "another key" in await page.inner_text(".verdict.failed")
