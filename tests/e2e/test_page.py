"""The page in a real browser: it proves what it shows, also after sleep, and turns red when one byte is changed."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, WebSocketRoute

from tests.e2e.browser import (
    begin,
    browser_page,
    proved_up_to,
    published,
    ready,
    screenshot,
    shown,
    size,
    sleepy_page,
    verdict,
)
from tests.support.requires import requires
from tests.support.service import ROOT, Service, async_until, service

pytestmark = [
    pytest.mark.timeout(180),
    requires("chromium"),
    requires("npm", also=(ROOT / "server/http/static/app/index.html").exists()),
]


async def test_rows_arrive_and_turn_to_proved_by_the_browsers_own_computation(tmp_path: Path) -> None:
    with service(tmp_path / "data", "--demo", "--rate", "6") as running:
        await begin(running)
        async with browser_page(running.address) as page:
            await page.goto("/")
            await ready(page)
            await page.wait_for_selector("li[data-state=received]", timeout=30_000)
            newest = int(await page.get_attribute(".rows li", "data-position") or "0")
            await page.wait_for_selector(f"li[data-position='{newest}'][data-state=proved]", timeout=30_000)
            await screenshot(page, "proved")
            told = await page.inner_text(f"li[data-position='{newest}'] .amount")
            entry = running.json(f"/api/v1/ledger/entries/{newest}")
            cents = -int(next(p["amount"] for p in entry["postings"] if p["account"] == "income:gifts"))
            assert told == f"${cents / 100:,.2f}"
            await page.click(f"li[data-position='{newest}'] button")
            assert (await page.inner_text(".drawer .raw")).startswith('{"at":')
            await screenshot(page, "entry")
            await page.keyboard.press("Escape")
            await page.wait_for_selector(".drawer", state="detached")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_on_a_phone_nothing_is_wider_than_the_screen(tmp_path: Path, *, dark: bool) -> None:
    with service(tmp_path / "data", "--demo", "--rate", "6") as running:
        await begin(running)
        async with browser_page(running.address, width=360, height=740, dark=dark) as phone:
            await phone.goto("/")
            await proved_up_to(phone, size(running))
            assert await width(phone) == 360
            await screenshot(phone, f"phone-{'dark' if dark else 'light'}")
            await phone.click(".rows li button")
            assert await width(phone) == 360
            await screenshot(phone, f"phone-entry-{'dark' if dark else 'light'}")


async def width(page: Page) -> int:
    """How wide the page is, in CSS pixels."""
    measured: int = await page.evaluate("document.documentElement.scrollWidth")
    return measured


async def test_one_changed_byte_on_the_way_turns_the_page_red(tmp_path: Path) -> None:
    with service(tmp_path / "data", "--demo", "--rate", "6") as running:
        await begin(running)
        async with browser_page(running.address) as page:
            await page.route_web_socket("**/v1/ws", tampering)
            await page.goto("/")
            await verdict(page, "failed")
            assert "does not add up" in await page.inner_text(".verdict.failed")
            assert await page.locator("li[data-state=received]").count() == 0
            await screenshot(page, "red")


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


async def test_a_tab_that_slept_shows_every_entry_once_after_waking(tmp_path: Path) -> None:
    with service(tmp_path / "data", "--demo", "--rate", "20") as running:
        await begin(running)
        async with sleepy_page(running.address) as (page, session):
            await ready(page)
            await page.evaluate(
                "window.cycle = []; for (const name of ['freeze', 'resume'])"
                " document.addEventListener(name, () => window.cycle.push(name))"
            )
            await (await page.context.new_page()).bring_to_front()
            await session.send("Page.setWebLifecycleState", {"state": "frozen"})
            await asyncio.to_thread(running.kill)  # its socket dies in its sleep, and it does not notice
            asleep = await shown(page)
            await begin(running)
            await async_until(lambda: size(running) > asleep.folded + 100, "gifts while it sleeps")
            assert await shown(page) == asleep
            await session.send("Page.setWebLifecycleState", {"state": "active"})
            await page.bring_to_front()
            await proved_up_to(page, size(running))
            assert await page.evaluate("window.cycle") == ["freeze", "resume"]
            await all_shown_once(page, running)
            await screenshot(page, "awake")


async def test_a_socket_cut_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    routes: list[WebSocketRoute] = []

    def passing(route: WebSocketRoute) -> None:
        routes.append(route)
        route.connect_to_server()

    with service(tmp_path / "data", "--demo", "--rate", "20") as running:
        await begin(running)
        async with browser_page(running.address) as page:
            await page.route_web_socket("**/v1/ws", passing)
            await page.goto("/")
            for cut in range(1, 4):
                await proved_up_to(page, size(running))  # which files alone can do, before any socket is open
                await async_until(lambda cut=cut: len(routes) >= cut, "a socket to cut")
                await routes[-1].close(code=1011)
                await async_until(lambda cut=cut: len(routes) > cut, "another socket")
            await proved_up_to(page, size(running))
            await all_shown_once(page, running)


async def test_older_entries_that_were_asked_for_stay_while_new_ones_arrive(tmp_path: Path) -> None:
    with service(tmp_path / "data", "--demo", "--rate", "40") as running:
        await begin(running)
        await async_until(lambda: size(running) > 300, "300 entries", 120)
        async with browser_page(running.address) as page:
            await page.goto("/")
            await ready(page)
            while await page.locator("button.older").count():
                oldest = (await shown(page)).positions[-1]
                await page.dispatch_event("button.older", "click")  # at this rate it moves too fast for a mouse
                await page.wait_for_selector(f"li[data-position='{oldest - 1}']", timeout=10_000)
            await proved_up_to(page, size(running))
            await all_shown_once(page, running)
            assert (await shown(page)).positions[-1] == 0


async def all_shown_once(page: Page, running: Service) -> None:
    """No row between the first and the last is missing, and the totals count each entry of the log once."""
    seen = await shown(page)
    assert seen.positions == list(range(seen.positions[0], seen.positions[-1] - 1, -1))
    assert seen.proved == list(range(seen.proved[0], seen.positions[-1] - 1, -1))
    await async_until(lambda: size(running) > seen.folded, "a checkpoint over it")
    entries = [json.loads(entry) for entry in await asyncio.to_thread(published, running, seen.folded + 1)]
    assert [frozenset(total.split(" · ")) for total in seen.totals] == received(entries)


def received(entries: list[dict[str, Any]]) -> list[frozenset[str]]:
    """What each fund received, as the page tells it, in the order in which the funds were declared."""
    funds = [entry["data"]["fund"] for entry in entries if entry["type"] == "ledger.fund.declared.v1"]
    sums: Counter[tuple[str, str]] = Counter()
    for line in (line for entry in entries for line in entry["postings"]):
        if line["account"] == "income:gifts":
            sums[line["fund"], line["asset"]] -= int(line["amount"])
    return [frozenset(amount(s, asset) for (of, asset), s in sums.items() if of == fund) or {"—"} for fund in funds]


def amount(minor: int, asset: str) -> str:
    """Minor units as the page tells them."""
    code, _, digits = asset.partition("/")
    number = f"{minor / 10 ** int(digits or 0):,.{digits or 0}f}"
    return f"${number}" if code == "USD" else f"{number} {code}"


async def test_a_service_that_shows_another_key_than_before_is_not_believed(tmp_path: Path) -> None:
    with service(tmp_path / "data", "--demo", "--rate", "2") as running:
        await begin(running)
        origin = running.json("/status")["origin"]
        async with browser_page(running.address) as page:
            await page.add_init_script(f"localStorage.setItem('secondwind.key:{origin}', 'another key')")
            await page.goto("/")
            await verdict(page, "failed")
            assert "another key" in await page.inner_text(".verdict.failed")
