"""The page while the log's keys change: what the recovery key signed is followed, and nothing else is believed (A4)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from secrets import token_bytes

import orjson
import pytest
from playwright.async_api import Page, Route

from ledger import checkpoint, keys, note
from ledger.grammar import encode_base64
from ledger.note import SigningKey, VerifyKey
from tests.e2e.browser import begin, browser_page, proved_up_to, ready, screenshot, size, verdict
from tests.server.cli.command_line import run
from tests.support.requires import requires
from tests.support.service import ROOT, Service, async_until, service

pytestmark = [
    pytest.mark.timeout(240),
    requires("chromium"),
    requires("npm", also=(ROOT / "server/http/static/app/index.html").exists()),
]
INTRODUCED = "ledger.key.introduced.v1"


async def test_keys_that_change_while_the_page_is_open_and_between_visits_are_followed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with service(data, "--demo", "--rate", "20") as running:
        await begin(running)
        first = VerifyKey.parse(running.vkey())
        async with browser_page(running.address) as page:
            asked: list[str] = []
            page.on("request", lambda request: asked.append(request.url.removeprefix(running.address)))
            await visit(page)
            await visit(page)
            assert asked.count("/api/v1/ledger/entries/0") == 1

            second = await rotated(running, data, first)
            await proved_up_to(page, size(running))
            await verdict(page, "proved")
            await visit(page)
            assert len((await kept(page))["keys"].splitlines()) == 3
            assert not [path for path in asked if "type=" in path], "what came over the feed is not asked for"

            await page.goto("about:blank")
            third = await rotated(running, data, second)
            await visit(page)
            assert len((await kept(page))["keys"].splitlines()) == 5
            assert checkpoint.open((await kept(page))["seen"], third).size > 0

            await page.goto("/verify")
            await page.wait_for_selector(".run[data-verdict=proved]")

            # The page of before kept the first key alone: what it saw continues, so the others are taken up silently.
            await page.evaluate(f"localStorage.removeItem('secondwind.keys:{first.name}')")
            await visit(page)
            assert len((await kept(page))["keys"].splitlines()) == 5

            await page.evaluate("localStorage.clear()")
            await visit(page)
            assert (await kept(page))["key"] == first.vkey


async def test_a_key_that_the_recovery_key_did_not_sign_is_never_believed(tmp_path: Path) -> None:
    """A4: a stranger offers a key of his own, signs a head with it, and writes an entry 0 that names the kept key."""
    data = tmp_path / "data"
    with service(data, "--demo", "--rate", "20") as running:
        await begin(running)
        first = VerifyKey.parse(running.vkey())
        stranger = SigningKey(first.name, token_bytes(32))
        async with browser_page(running.address) as page:
            await visit(page)
            await rotated(running, data, first)
            await visit(page)
            before = await kept(page)

            await page.route("**/ledger/keys", lambda route: offering(route, stranger))
            await page.route(f"**/api/v1/ledger?type={INTRODUCED}*", lambda route: introducing(route, stranger))
            await refused(page, "key-invalid", stranger.vkey)
            await page.unroute_all()

            await page.route("**/ledger/checkpoint", lambda route: signing(route, stranger))
            await refused(page, "signature-missing", before["keys"].splitlines()[0])
            await page.unroute_all()

            # Whoever kept the first key alone, and nothing that it signed, cannot tell whose entry 0 this is.
            for what in ("keys", "seen"):
                await page.evaluate(f"localStorage.removeItem('secondwind.{what}:{first.name}')")
            await refused(page, "signature-missing", first.vkey)

            held = {f"secondwind.{what}:{first.name}": text for what, text in before.items()}
            await page.evaluate("held => Object.entries(held).forEach(one => localStorage.setItem(...one))", held)
            await visit(page)
            assert "evidence" not in await kept(page), "a stranger's word is no evidence against the log"


async def rotated(running: Service, data: Path, old: VerifyKey) -> VerifyKey:
    """Introduce a key and retire `old` by the command; returns the new key once it signs alone."""
    arguments = ("--data-dir", str(data), "--recovery-key", str(data / "keys" / "recovery.key"), "--after", "3")
    done = await asyncio.to_thread(run, "keys", "introduce", *arguments)
    assert done.returncode == 0, done.stderr
    new = VerifyKey.parse(done.stdout.split()[0])
    await async_until(lambda: new.key_id in signers(running), "the new key signs")
    done = await asyncio.to_thread(run, "keys", "retire", old.key_id.hex(), *arguments)
    assert done.returncode == 0, done.stderr
    await async_until(lambda: signers(running) == {new.key_id}, "the new key signs alone")
    return new


def signers(running: Service) -> set[bytes]:
    """Identifiers of the keys that signed the newest checkpoint."""
    return {signature.key_id for signature in note.split(running.get("/ledger/checkpoint"))[1]}


async def visit(page: Page) -> None:
    """A new visit, which must be proved."""
    await page.goto("about:blank")
    await page.goto("/")
    await ready(page)


async def kept(page: Page) -> dict[str, str]:
    """What the browser keeps of the one log: `key`, `keys`, `seen`, `evidence`."""
    held: list[list[str]] = await page.evaluate("Object.entries(localStorage)")
    return {name.split(":")[0].removeprefix("secondwind."): text for name, text in held}


async def refused(page: Page, code: str, shown: str) -> None:
    """A new visit is red, says why, and what was shown can be saved."""
    await page.goto("about:blank")
    await page.goto("/")
    await verdict(page, "failed")
    assert f"{code}: " in await page.inner_text(".verdict.failed")
    assert await page.locator("li[data-state=proved]").count() == 0
    async with page.expect_download() as waiting:
        await page.click("a.evidence")
    evidence = (await (await waiting.value).path()).read_text()
    assert shown in evidence
    await screenshot(page, code)


async def offering(route: Route, stranger: SigningKey) -> None:
    """The list of keys, with the stranger's."""
    answer = await route.fetch()
    await route.fulfill(response=answer, body=f"{await answer.text()}{stranger.vkey} 20 -\n")


async def introducing(route: Route, stranger: SigningKey) -> None:
    """The changes of keys, with one that the stranger signed himself."""
    answer = await route.fetch()
    page = orjson.loads(await answer.body())
    entry = orjson.loads(page["entries"][0]["entry"])
    signature = stranger.signature(
        keys.statement(stranger.name, "introduced", stranger.vkey, int(entry["data"]["size"]))
    )
    entry["data"] |= {"key": stranger.vkey, "signature": encode_base64(signature)}
    forged = orjson.dumps(entry, option=orjson.OPT_SORT_KEYS).decode()
    await route.fulfill(response=answer, json={**page, "entries": [*page["entries"], {"entry": forged}]})


async def signing(route: Route, stranger: SigningKey) -> None:
    """The newest head, as the stranger signs it."""
    answer = await route.fetch()
    text = note.split(await answer.body())[0]
    await route.fulfill(response=answer, body=stranger.sign(text))
