"""The route table: every route says who may call it, what goes in, what comes out and how much of it.

An area exports `routes(…) -> list[Route]`; `application.make_application` takes them all and refuses a route that does
not say who may call it. OpenAPI, the readable reference, the role matrix and the limits are all derived from this
table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from aiohttp import web
from pydantic import BaseModel

from server.errors import StartRefused
from server.http.problems import ProblemKind

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

METHODS: tuple[Method, ...] = ("GET", "POST", "PUT", "PATCH", "DELETE")
BODY_BYTES_MAX_DEFAULT = 65_536
TIMEOUT_S_DEFAULT = 30.0


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a route. Deny by default: there is no value that means "not decided"."""

    kind: Literal["public", "webhook", "socket", "operator", "role"]
    roles: frozenset[str] = frozenset()

    PUBLIC: ClassVar[Access]
    """Anyone, without a login."""
    WEBHOOK: ClassVar[Access]
    """A provider; the handler verifies its signature over the raw bytes."""
    SOCKET: ClassVar[Access]
    """A websocket; the endpoint checks the Origin at the handshake and the token in the first message."""
    OPERATOR: ClassVar[Access]
    """Whoever sits on this machine (loopback), or holds the metrics token."""

    def __str__(self) -> str:
        return f"role: {', '.join(sorted(self.roles))}" if self.kind == "role" else self.kind


Access.PUBLIC = Access("public")
Access.WEBHOOK = Access("webhook")
Access.SOCKET = Access("socket")
Access.OPERATOR = Access("operator")


def role(*names: str) -> Access:
    """Access for signed-in people who hold at least one of these roles."""
    if not names:
        raise ValueError("role() needs at least one role: an empty list would admit nobody, or everybody")
    return Access("role", frozenset(names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row of the table.

    `response` is the model of the JSON answer, or the media type of an answer that is not JSON of ours. `params` is the
    model of the `{names}` in the path, `query` of the query string, `request` of the JSON body; each is validated
    before the handler runs and read with `server.http.inputs`. A handler without a `request` model reads its own body,
    at most `body_bytes_max` of it. `idempotent`: the caller must send an `Idempotency-Key`. `cors`: pages of other
    origins may read the answer. `quiet`: no line in the request log unless the service failed, because who asks is
    itself a secret (attacks B16). `timeout_s`: None for answers that live on, such as a websocket. `problems` are what
    it may answer.
    """

    method: Method
    path: str
    handler: Handler
    access: Access
    summary: str
    response: type[BaseModel] | str
    status: int = 200
    description: str = ""
    params: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    request: type[BaseModel] | None = None
    body_bytes_max: int = BODY_BYTES_MAX_DEFAULT
    timeout_s: float | None = TIMEOUT_S_DEFAULT
    idempotent: bool = False
    cors: bool = False
    quiet: bool = False
    listed: bool = True
    tags: tuple[str, ...] = ()
    problems: tuple[ProblemKind, ...] = field(default=())

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def check_table(routes: Iterable[Route]) -> tuple[Route, ...]:
    """Return the table as it is, or raise StartRefused naming the first row that must not be served."""
    table = tuple(routes)
    seen: set[tuple[str, str]] = set()
    for route in table:
        _check_row(route)
        if (route.method, route.path) in seen:
            raise StartRefused(f"Two routes answer {route}.", "Remove one of them from its area's table.")
        seen.add((route.method, route.path))
    return table


def _check_row(route: Route) -> None:
    # The type already demands an access; this holds where types were not checked.
    if not isinstance(route.access, Access):
        raise StartRefused(
            f"Route {route} does not say who may call it.",
            "Give it an Access: PUBLIC, WEBHOOK, SOCKET, OPERATOR or role(…).",
        )
    if route.method not in METHODS or not route.path.startswith("/"):
        raise StartRefused(f"Route {route} is malformed.", f"Use one of {', '.join(METHODS)} and a path from the root.")
    if route.method == "GET" and (route.request is not None or route.idempotent):
        raise StartRefused(f"Route {route} reads a body or a key.", "A GET changes nothing: make it a POST.")
    if route.cors and (route.access is not Access.PUBLIC or route.method != "GET"):
        raise StartRefused(
            f"Route {route} opens {route.access} to every origin.", "Only public GET routes may set cors."
        )
