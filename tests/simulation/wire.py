"""The way between those who ask a witness and the witness: it loses, doubles, delays and reorders whatever travels.

A question that finds nobody at home is refused, as a port is where nobody listens. A doubled answer goes to whatever
question is open when it comes, as a confused proxy would have it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import aiohttp

from tests.simulation.loop import OWNER, as_owner

if TYPE_CHECKING:
    from tests.simulation.world import World

LATENCY_S = 0.02
SLOW_LATENCY_S = 2.0


class Answer(NamedTuple):
    """What a witness answers, as far as anybody looks at it."""

    status: int
    content_type: str
    body: bytes

    @property
    def content(self) -> Answer:
        """What aiohttp calls it that the body is read from."""
        return self

    async def iter_any(self) -> AsyncIterator[bytes]:
        """The body in the pieces in which it comes."""
        yield self.body


@dataclass(eq=False, slots=True)
class Question:
    """A request on its way: None asks for what the witness shows. `asker` is whose it is."""

    body: bytes | None
    asker: str
    answer: asyncio.Future[Answer]


Serve = Callable[[Question], Awaitable[Answer]]


class Wire:
    """`is_cut`: nothing travels. Troubles are the scenario's `wire`, per message."""

    def __init__(self, world: World) -> None:
        self.is_cut = False
        self._world = world
        self._open: list[Question] = []
        self._owner = ""
        self._serve: Serve | None = None

    def listen(self, serve: Serve) -> None:
        """The process that calls this answers from now on, until it is killed."""
        self._owner, self._serve = OWNER.get(), serve

    async def ask(self, body: bytes | None) -> Answer:
        """Send a question and wait for its answer, for ever when one of them is lost."""
        question = Question(body, OWNER.get(), asyncio.get_running_loop().create_future())
        self._open.append(question)
        self._travel(self._arrive, question)
        try:
            return await question.answer
        finally:
            self._open.remove(question)

    def session(self, timeout_s: float) -> Session:
        """What `server.witness.asking` uses of an aiohttp.ClientSession."""
        return Session(self, timeout_s)

    def _travel(self, arrive: Callable[..., None], *message: object) -> None:
        for _ in range(2 if self._is_troubled() else 1):
            if self.is_cut or self._is_troubled():
                self._world.observer.counts["messages lost"] += 1
                continue
            longest_s = SLOW_LATENCY_S if self._is_troubled() else LATENCY_S
            delay_s = longest_s * self._world.loop.dice.random()
            as_owner("network", self._world.loop.call_later, delay_s, arrive, *message)

    def _is_troubled(self) -> bool:
        return self._world.is_troubled and self._world.loop.dice.random() < self._world.scenario.troubles.wire

    def _arrive(self, question: Question) -> None:
        loop = self._world.loop
        if self._serve is None or loop.is_dead(self._owner):
            if not question.answer.done():
                question.answer.set_exception(aiohttp.ClientConnectionError("nobody listens"))
            return
        as_owner(self._owner, lambda: loop.create_task(self._answer(question, self._serve)))

    async def _answer(self, question: Question, serve: Serve) -> None:
        answer = await serve(question)
        as_owner("network", self._travel, self._deliver, question, answer)

    def _deliver(self, question: Question, answer: Answer) -> None:
        stray = [other for other in self._open if other.asker == question.asker and not other.answer.done()]
        for one in [question, *stray]:
            if not one.answer.done():
                one.answer.set_result(answer)
                return


class Session:
    """A client on the wire that waits for each answer so long and no longer."""

    def __init__(self, wire: Wire, timeout_s: float) -> None:
        self._wire = wire
        self._timeout_s = timeout_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Nothing is kept open."""

    @asynccontextmanager
    async def post(self, _url: str, *, data: bytes, allow_redirects: bool) -> AsyncIterator[Answer]:
        """POST, as aiohttp does it. Raises TimeoutError, and ClientConnectionError where nobody listens."""
        assert not allow_redirects
        async with asyncio.timeout(self._timeout_s):
            answer = await self._wire.ask(data)
        yield answer
