"""The page "Verify us" in a real browser: it checks the whole log by itself, and one changed byte turns it red."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from playwright.async_api import Page, Route

from tests.e2e.browser import begin, browser_page, screenshot, size
from tests.support.requires import requires
from tests.support.service import ROOT, VERIFY, async_until, service

pytestmark = [
    pytest.mark.timeout(180),
    requires("chromium"),
    requires("npm", also=(ROOT / "server/http/static/app/verify.html").exists()),
]


async def told(page: Page, wanted: str) -> dict[str, str]:
    """Wait for the verdict; returns the checks by name."""
    await page.wait_for_selector(".run:not([data-verdict=checking])", timeout=60_000)
    assert await page.get_attribute(".run", "data-verdict") == wanted, await page.inner_text("main")
    lines = await page.eval_on_selector_all(".checks li", "all => all.map(li => [li.dataset.check, li.dataset.result])")
    return dict(lines)


async def test_it_checks_the_whole_ledger_and_on_the_next_visit_that_it_only_grew(tmp_path: Path) -> None:
    with service(tmp_path / "data", "--demo", "--rate", "6") as running:
        await begin(running)
        for width, dark in ((360, False), (768, True), (1440, False)):
            async with browser_page(running.address, width=width, height=900, dark=dark) as page:
                await page.goto("/verify")
                checks = await told(page, "first")
                assert {checks[name] for name in ("Signed", "Unbroken", "By the rules")} == {"yes"}
                assert checks["Only grew"] == "unknown"
                assert await page.evaluate("document.documentElement.scrollWidth") == width
                digest = sha256(VERIFY.read_bytes()).hexdigest()
                await page.wait_for_function("wanted => document.body.innerText.includes(wanted)", arg=digest)
                assert running.vkey() in await page.inner_text("pre.raw")
                await page.click("text=Check again")
                await page.wait_for_selector(".run[data-verdict=proved]", timeout=60_000)
                assert (await told(page, "proved"))["Only grew"] == "yes"
                await page.mouse.move(0, 0)
                await screenshot(page, f"verify-{width}-{'dark' if dark else 'light'}")


async def test_an_old_head_and_one_changed_byte_turn_it_red_with_code_and_position(tmp_path: Path) -> None:
    """A10, A15: whoever stands between may show what he likes; the signed tree does not change with it."""
    with service(tmp_path / "data", "--demo", "--rate", "6") as running:
        await begin(running)
        old, before = running.get("/ledger/checkpoint").decode(), size(running)
        await async_until(lambda: size(running) > before, "a newer checkpoint")
        async with browser_page(running.address, width=768) as page:
            await page.goto("/verify")
            await told(page, "first")
            await page.route("**/ledger/checkpoint", lambda route: route.fulfill(body=old, content_type="text/plain"))
            await page.click("text=Check again")
            await page.wait_for_selector(".run[data-verdict=failed]", timeout=60_000)
            assert await told(page, "failed") == {"rollback": "failed"}
            assert await page.get_attribute("a.evidence", "download") == "secondwind-rollback.txt"
        async with browser_page(running.address, width=768) as page:
            await page.route("**/tile/entries/**", tampering)
            await page.goto("/verify")
            checks = await told(page, "failed")
            assert checks == {"data-invalid": "failed"}
            assert "At position 0." in await page.inner_text(".checks")
            assert await page.get_attribute("body", "data-verdict") == "failed"
            await screenshot(page, "verify-red")


async def tampering(route: Route) -> None:
    """The log says of itself that it is live, and no demonstration."""
    answer = await route.fetch()
    body = (await answer.body()).replace(b'"mode":"demo"', b'"mode":"dEmo"')
    await route.fulfill(response=answer, body=body)
