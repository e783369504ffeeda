"""The whole search: a year is lived, served by a real process, looked at from outside, and scanned for all it hides."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from server.payments.signature import sign
from tests.leaks.inside import privates
from tests.leaks.outside import Stranger
from tests.leaks.people import Given
from tests.leaks.scan import Exposed, Leak, Scanner
from tests.leaks.year import WEBHOOK_SECRET, Year, lived
from tests.support.postgres import Server
from tests.support.service import Service, async_until, service

LIVE_GIFTS: Final = 6
_STRANGERS: Final = 3
_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked for, where, and what was found."""

    scanner: Scanner
    exposed: tuple[Exposed, ...]
    leaks: tuple[Leak, ...]
    year: Year

    @property
    def bytes_seen(self) -> int:
        """How much was searched."""
        return sum(len(exposed.data) for exposed in self.exposed)


async def search(server: Server, directory: Path, *, seed: int, gifts: int) -> Found:
    """Live a year of so many gifts below `directory`, and search all of its public side."""
    async with lived(server, directory / "data", seed=seed, gifts=gifts) as year:
        with service(year.data_dir, **year.environment) as running:
            await asyncio.to_thread(running.start)
            exposed, today = await _looked_at(running, year)
            log = await asyncio.to_thread(_written, running)
        exposed += [*log, *_files(year.data_dir / "publish" / "public"), *_files(_postgres_logs(server), "log")]
        strangers = {private for giver in year.people.known for private in giver.privates()}
        hidden = {*await privates(year), *strangers, *(private for one in today for private in one.privates())}
        scanner = Scanner(sorted(hidden, key=repr))
        different = {one.data: one for one in reversed(exposed)}
        leaks = [leak for one in different.values() for leak in scanner.leaks(one)]
        return Found(scanner, tuple(exposed), tuple(leaks), year)


async def _looked_at(running: Service, year: Year) -> tuple[list[Exposed], list[Given]]:
    """All that a stranger sees, while the last gifts of the year come in."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)) as session:
        stranger = Stranger(session, running.address)
        today = [year.people.gift(int(time.time()), wish) for wish in ("live", "quiet", "hidden") * (LIVE_GIFTS // 3)]
        for one in today:
            for body in one.notices(year.people.dice):
                await _deliver(session, running, body)
                await _deliver(session, running, body[:-9], expected=(200, 400))
                await _deliver(session, running, body, secret="whsec_wrong", expected=(400,))
        await async_until(lambda: "new" not in running.json("/status")["inbox"], "the last notices are worked")
        await stranger.tempt(_words(year))
        await stranger.look()
        for path in ("/metrics", "/status", "/health/ready"):
            await stranger.ask(path, headers={})
        return stranger.seen, today


async def _deliver(
    session: aiohttp.ClientSession,
    running: Service,
    body: bytes,
    *,
    secret: str = WEBHOOK_SECRET,
    expected: tuple[int, ...] = (200,),
) -> None:
    headers = {"Stripe-Signature": sign(body, secret, int(time.time())), "Content-Type": "application/json"}
    async with session.post(f"{running.address}/api/v1/webhooks/stripe", data=body, headers=headers) as answer:
        assert answer.status in expected, await answer.text()


def _words(year: Year) -> Iterator[str]:
    """What some people would send about themselves in the wrong place."""
    for giver in year.people.known[:_STRANGERS]:
        yield from (giver.name, giver.email, giver.customer)
    yield from (WEBHOOK_SECRET, year.environment["STRIPE_API_KEY"])


def _written(running: Service) -> list[Exposed]:
    """Stop it, and return all that it wrote."""
    assert running.process is not None
    assert running.process.stdout is not None
    running.process.terminate()
    said = running.process.stdout.read()
    running.stop()
    return [Exposed("stdout", said.encode()), Exposed("stderr", running.log().encode())]


def _files(directory: Path, suffix: str = "") -> Iterator[Exposed]:
    """Files as they lie there, with their names."""
    for path in sorted(directory.rglob(f"*{suffix}")):
        if path.is_file():
            yield Exposed(f"file {path.name}", path.name.encode() + b"\n" + path.read_bytes())


def _postgres_logs(server: Server) -> Path:
    return server.postgres._log_path().parent
