"""Is it alive, is it ready, how is it: /health/live, /health/ready, /status and /metrics.

Nothing here knows what it reports: the composition root passes in the checks and the facts. What would tell outsiders
how much is going on behind the public log (inbox counts, sizes of other logs, lag) is a fact for the operator only: a
running count of hidden gifts is a leak however it is served (attacks B5, B12, B16).
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import asyncpg
import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from pydantic import BaseModel, ConfigDict, Field

from server.errors import StartRefused
from server.http.access import ACCESS_CONTROL
from server.http.problems import ProblemKind
from server.http.routes import Access, Route
from server.migrate import check_schema

Check = Callable[[], Awaitable[str | None]]
"""None when all is well, else what is wrong in a few words that an outsider may read."""

Fact = Callable[[], Awaitable[object]]
"""A JSON value. Numbers in it become gauges of /metrics under the names that lead to them."""

CHECK_TIMEOUT_S = 2.0
ANSWER_AGE_S_MAX = 1.0
RETRY_AFTER_S = 2

T = TypeVar("T")

_log = logging.getLogger(__name__)

NOT_READY = ProblemKind(
    "not-ready",
    503,
    "Not ready",
    "The process runs but must not be sent requests now: it is starting, draining, its database does not answer, or "
    "another version has migrated the database.",
)


class Alive(BaseModel):
    """The process answers."""

    alive: bool


class Ready(BaseModel):
    """Everything that a request needs is there."""

    ready: bool
    checks: dict[str, str] = Field(
        description="What was looked at, and `ok` or what is wrong without being in the way."
    )


class Status(BaseModel):
    """How the service is. Further members are the service's facts; the operator sees more of them than others do."""

    model_config = ConfigDict(extra="allow")

    service: str
    version: str
    ready: bool
    unknown: list[str] = Field(description="Facts that could not be found out just now.")
    warnings: dict[str, str] = Field(description="What is wrong while requests are still served.")


class Health:
    """The four routes. `facts` are for everyone; `operator_facts` for the operator. Asked at most once a second.

    `checks` decide whether requests should come; `warnings` are said, and requests go on being served.
    """

    def __init__(  # noqa: PLR0913 - what the composition root knows, by name
        self,
        *,
        version: str,
        checks: Mapping[str, Check],
        facts: Mapping[str, Fact],
        operator_facts: Mapping[str, Fact],
        registry: CollectorRegistry,
        warnings: Mapping[str, Check] | None = None,
        draining: Callable[[], bool] = lambda: False,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        if shared := facts.keys() & operator_facts.keys():
            raise ValueError(f"a fact is either for everyone or for the operator: {', '.join(sorted(shared))}")
        self._version = version
        self._registry = registry
        self._draining = draining
        self._checked = _Fresh(lambda: _ask_all(checks), monotonic_s)
        self._warnings = _Fresh(lambda: _ask_all(warnings or {}), monotonic_s)
        self._facts = _Fresh(lambda: _ask_all(facts), monotonic_s)
        self._operator_facts = _Fresh(lambda: _ask_all(operator_facts), monotonic_s)

    def routes(self) -> list[Route]:
        """The rows of the table."""

        def row(path: str, handler: Any, summary: str, response: Any, **more: Any) -> Route:  # noqa: ANN401 - a row's fields
            return Route(
                method="GET",
                path=path,
                handler=handler,
                summary=summary,
                response=response,
                tags=("operations",),
                **{"access": Access.PUBLIC, **more},
            )

        return [
            row("/health/live", self.live, "Whether the process answers", Alive),
            row("/health/ready", self.ready, "Whether requests should be sent here", Ready, problems=(NOT_READY,)),
            row("/status", self.status, "How the service is", Status),
            row("/metrics", self.metrics, "Figures for Prometheus", "text/plain", access=Access.OPERATOR),
        ]

    async def live(self, _request: web.Request) -> web.StreamResponse:
        """GET /health/live: it answers, so it lives; nothing else is asked, or a slow database would get us killed."""
        return _json({"alive": True})

    async def ready(self, _request: web.Request) -> web.StreamResponse:
        """GET /health/ready."""
        wrong = await self._wrong()
        if wrong:
            detail = "; ".join(f"{name}: {what}" for name, what in wrong.items())
            raise NOT_READY(f"{detail}.", headers={"Retry-After": str(RETRY_AFTER_S)})
        found, _ = await self._checked.get()
        warned, _ = await self._warnings.get()
        said = {name: what or "ok" for name, what in (found | warned).items()}
        return _json({"ready": True, "checks": said})

    async def status(self, request: web.Request) -> web.StreamResponse:
        """GET /status."""
        found, unknown = await self._facts.get()
        if request.app[ACCESS_CONTROL].is_operator(request):
            more, more_unknown = await self._operator_facts.get()
            found, unknown = {**found, **more}, [*unknown, *more_unknown]
        warned, _ = await self._warnings.get()
        own = {
            "service": "SecondWind",
            "version": self._version,
            "ready": not await self._wrong(),
            "unknown": unknown,
            "warnings": {name: what for name, what in warned.items() if what is not None},
        }
        return _json({**found, **own})

    async def metrics(self, _request: web.Request) -> web.StreamResponse:
        """GET /metrics: the registry, and every number of /status as a gauge."""
        own = CollectorRegistry()
        # By name first: two facts whose names differ in a dot only must not break the page.
        numbers: dict[str, float] = {}
        for facts in (self._facts, self._operator_facts):
            numbers.update(_numbers("secondwind", (await facts.get())[0]))
        for name, value in numbers.items():
            Gauge(name, "From /status.", registry=own).set(value)
        body = generate_latest(self._registry) + generate_latest(own)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})

    async def _wrong(self) -> dict[str, object]:
        found, unknown = await self._checked.get()
        wrong = {name: what for name, what in found.items() if what is not None}
        wrong |= dict.fromkeys(unknown, "does not answer")
        if self._draining():
            wrong["draining"] = "this process is stopping"
        return wrong


def database_check(pool: asyncpg.Pool) -> Check:
    """A check that the database answers."""

    async def check() -> str | None:
        await pool.fetchval("select 1")
        return None

    return check


def schema_check(pool: asyncpg.Pool) -> Check:
    """A check that the database's schema is the one this version expects: another version may have migrated it."""

    async def check() -> str | None:
        async with pool.acquire() as connection:
            try:
                await check_schema(connection)
            except StartRefused as refused:
                return refused.sentence.rstrip(".")
        return None

    return check


class _Fresh(Generic[T]):
    """A value that is made again when it is older than ANSWER_AGE_S_MAX; many who ask at once wait for one making."""

    def __init__(self, make: Callable[[], Awaitable[T]], monotonic_s: Callable[[], float]) -> None:
        self._make = make
        self._monotonic_s = monotonic_s
        self._lock = asyncio.Lock()
        self._held: tuple[float, T] | None = None

    async def get(self) -> T:
        """The value, at most ANSWER_AGE_S_MAX old."""
        async with self._lock:
            if self._held is None or self._monotonic_s() - self._held[0] > ANSWER_AGE_S_MAX:
                self._held = (self._monotonic_s(), await self._make())
            return self._held[1]


async def _ask_all(questions: Mapping[str, Fact]) -> tuple[dict[str, object], list[str]]:
    """The answers by name, and the names of those that failed or took longer than CHECK_TIMEOUT_S."""
    names = list(questions)
    outcomes = await asyncio.gather(
        *(asyncio.wait_for(questions[name](), CHECK_TIMEOUT_S) for name in names), return_exceptions=True
    )
    answers: dict[str, object] = {}
    unknown: list[str] = []
    for name, outcome in zip(names, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            _log.warning("%s could not be found out: %s", name, type(outcome).__name__)
            unknown.append(name)
        else:
            answers[name] = outcome
    return answers, unknown


def _numbers(prefix: str, value: object) -> Iterator[tuple[str, float]]:
    """Every number below `value` with the name that leads to it."""
    if isinstance(value, int | float):
        yield prefix, float(value)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _numbers(f"{prefix}_{re.sub(r'[^a-zA-Z0-9_]', '_', str(name))}", inner)


def _json(value: object) -> web.Response:
    return web.Response(
        body=orjson.dumps(value), headers={"Content-Type": "application/json", "Cache-Control": "no-store"}
    )
