"""Witnesses of every kind for a log that asks them: an honest one in this process, and some that are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from ledger import witness
from ledger.cosignature import Cosigner
from ledger.witness import SIZE_TYPE, Seen, WitnessRefusal
from ledger.witness_policy import WitnessPolicy, parse
from tests.server.public.small_log import KEY


@dataclass
class Peer:
    """A witness that remembers what it is asked. `answer` replaces its honest answer while it is set."""

    name: str
    cosigner: Cosigner
    url: str = ""
    seen: Seen = field(default_factory=Seen)
    time_s: int = 1_000
    questions: list[int] = field(default_factory=list)
    answer: Callable[[], Awaitable[web.StreamResponse]] | None = None

    async def add_checkpoint(self, request: web.Request) -> web.StreamResponse:
        """POST add-checkpoint."""
        body = await request.read()
        asked = witness.parse_request(body)
        self.questions.append(asked.old_size)
        if self.answer is not None:
            return await self.answer()
        try:
            witness.check_signed(asked, {KEY.name: [KEY.verify_key]})
            self.seen = witness.decide(asked, self.seen)
        except WitnessRefusal as refusal:
            if refusal.known_size is None:
                return web.Response(status=refusal.status, text=refusal.sentence)
            body = f"{refusal.known_size}\n".encode()
            return web.Response(status=refusal.status, body=body, headers={"Content-Type": SIZE_TYPE})
        return web.Response(text=self.cosigner.line(asked.checkpoint.text(), self.time_s))

    async def never(self) -> web.StreamResponse:
        """An answer that does not come."""
        await asyncio.Event().wait()
        raise AssertionError


@asynccontextmanager
async def peers(*names: str) -> AsyncIterator[list[Peer]]:
    """Witnesses on loopback ports."""
    made, runners = [], []
    try:
        for number, name in enumerate(names):
            peer = Peer(name, Cosigner(f"{name}.example.org", bytes([number + 1]) * 32))
            application = web.Application()
            application.router.add_post("/add-checkpoint", peer.add_checkpoint)
            runner = web.AppRunner(application, shutdown_timeout=0.1)
            runners.append(runner)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            peer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            made.append(peer)
        yield made
    finally:
        for runner in runners:
            await runner.cleanup()


def policy_of(witnesses: list[Peer], quorum: int) -> WitnessPolicy:
    """So many of these."""
    lines = "".join(f"witness {w.name} {w.cosigner.vkey} {w.url}\n" for w in witnesses)
    return parse(f"{lines}group them {quorum} {' '.join(w.name for w in witnesses)}\nquorum them\n")
