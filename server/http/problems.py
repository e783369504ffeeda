"""Problems: the one shape of every answer that is not what was asked for (RFC 9457).

A kind of problem is defined once, with a sentence of explanation that `/problems/<slug>` shows. Handlers raise
`KIND("what happened, with the offending value and what to do")`, or `Problem(…)` where no kind is shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from aiohttp import web
from pydantic import BaseModel, Field

from server.errors import ServerError, StartRefused

MEDIA_TYPE: Final = "application/problem+json"
SHOWN_CHARS_MAX: Final = 80


class Problem(ServerError):
    """The answer is a problem. `pointer` is `#/a/b` into the body, `?name` or `{name}` for a parameter."""

    def __init__(  # noqa: PLR0913, PLR0917 - the members of RFC 9457, in its order
        self,
        status: int,
        type_slug: str,
        title: str,
        detail: str,
        pointer: str | None = None,
        headers: Mapping[str, str] | None = None,
        errors: tuple[InputError, ...] = (),
    ) -> None:
        super().__init__(f"{status} {type_slug}: {detail}")
        self.status = status
        self.type_slug = type_slug
        self.title = title
        self.detail = detail
        self.pointer = pointer
        self.headers = dict(headers or {})
        self.errors = errors


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A documented type of problem; calling it makes one."""

    slug: str
    status: int
    title: str
    explanation: str

    def __call__(
        self,
        detail: str,
        *,
        pointer: str | None = None,
        headers: Mapping[str, str] | None = None,
        errors: tuple[InputError, ...] = (),
    ) -> Problem:
        """One problem of this kind; `detail` tells this caller what happened and what to do."""
        return Problem(self.status, self.slug, self.title, detail, pointer, headers, errors)


class InputError(BaseModel):
    """One thing wrong with the input."""

    pointer: str = Field(description="`#/a/b` into the body, `?name` in the query, `{name}` in the path.")
    detail: str


class ProblemBody(BaseModel):
    """An RFC 9457 problem. `type` is a URL that explains the kind of problem to a person."""

    type: str
    title: str
    status: int
    detail: str
    pointer: str | None = Field(None, description="Where in the input: `#/a/b`, `?name` or `{name}`. Absent: nowhere.")
    errors: list[InputError] | None = Field(None, description="Everything wrong with the input, where there is more.")
    request_id: str = Field(description="Name it when you ask for help; it is also in the header `X-Request-Id`.")


BAD_REQUEST = ProblemKind(
    "bad-request",
    400,
    "Not a request this service understands",
    "The request itself is malformed: its line, its headers or its framing. Nothing was read beyond that and "
    "nothing changed.",
)
INVALID_INPUT = ProblemKind(
    "invalid-input",
    400,
    "The input is not valid",
    "A parameter or a member of the body is missing, unknown, or outside what is allowed. `pointer` and `errors` "
    "say where. The reference under /docs lists what each route takes. Nothing changed.",
)
BODY_MALFORMED = ProblemKind(
    "body-malformed",
    400,
    "The body is not JSON",
    "The body must be one JSON object in UTF-8. Nothing changed.",
)
IDEMPOTENCY_KEY_MISSING = ProblemKind(
    "idempotency-key-missing",
    400,
    "An Idempotency-Key is needed",
    "A request that moves value carries the header `Idempotency-Key`: 1 to 255 visible ASCII characters, new for "
    "each intent and the same for each retry of it. So a retry after a lost answer cannot move the value twice.",
)
NOT_SIGNED_IN = ProblemKind(
    "not-signed-in",
    401,
    "Sign in first",
    "The request carries no access token, or one that is expired or not ours. Send `Authorization: Bearer <token>`.",
)
NOT_ALLOWED = ProblemKind(
    "not-allowed",
    403,
    "Not yours to do",
    "You are signed in, but none of your roles may do this.",
)
OPERATOR_ONLY = ProblemKind(
    "operator-only",
    403,
    "For the operator only",
    "This is answered on the machine itself (a loopback address, asked for by a loopback name, not through a "
    "proxy) or to whoever sends the metrics token as `Authorization: Bearer <token>`. The token is the setting "
    "SECONDWIND_METRICS_TOKEN.",
)
NOT_FOUND = ProblemKind(
    "not-found",
    404,
    "Nothing here",
    "No route has this path, or what it names does not exist, or it is not for you: the answer is the same on purpose.",
)
METHOD_NOT_ALLOWED = ProblemKind(
    "method-not-allowed",
    405,
    "Not with this method",
    "The path exists but not for this method. The header `Allow` lists the methods it knows.",
)
BODY_TOO_LARGE = ProblemKind(
    "body-too-large",
    413,
    "The body is too large",
    "Each route says in the reference how many bytes it reads at most. Nothing beyond that was kept and nothing "
    "changed.",
)
UNSUPPORTED_MEDIA_TYPE = ProblemKind(
    "unsupported-media-type",
    415,
    "Not a type of body this route reads",
    "Send JSON, with the header `Content-Type: application/json`.",
)
EXPECTATION_FAILED = ProblemKind(
    "expectation-failed",
    417,
    "An expectation that is not met",
    "The only expectation this service meets is `Expect: 100-continue`.",
)
INTERNAL_ERROR = ProblemKind(
    "internal-error",
    500,
    "This is our fault",
    "Something failed that should not have. It is recorded under the request id; what failed is not told to the "
    "outside.",
)
UNAVAILABLE = ProblemKind(
    "unavailable",
    503,
    "Not possible at the moment",
    "The service or its database is starting, stopping, overloaded or halted. Nothing was acknowledged. The header "
    "`Retry-After` says when to try again; repeat the request as it was.",
)
TIMED_OUT = ProblemKind(
    "timed-out",
    503,
    "It took too long",
    "The answer did not come within the route's limit. A request that moves value may or may not have been "
    "booked: repeat it with the same Idempotency-Key and you get the answer.",
)

GENERAL: Final = (
    BAD_REQUEST,
    INVALID_INPUT,
    BODY_MALFORMED,
    IDEMPOTENCY_KEY_MISSING,
    NOT_SIGNED_IN,
    NOT_ALLOWED,
    OPERATOR_ONLY,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    BODY_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    EXPECTATION_FAILED,
    INTERNAL_ERROR,
    UNAVAILABLE,
    TIMED_OUT,
)


def catalogue(kinds: Iterable[ProblemKind]) -> dict[str, ProblemKind]:
    """Every documented kind by its slug; raises StartRefused where two kinds share one."""
    known: dict[str, ProblemKind] = {}
    for kind in kinds:
        if known.setdefault(kind.slug, kind) != kind:
            raise StartRefused(f"Two kinds of problem are called {kind.slug}.", "Define it once and import it.")
    return known


def shown(value: str) -> str:
    """An offending value as a message may show it: quoted, control characters escaped, at most SHOWN_CHARS_MAX long."""
    cut = value if len(value) <= SHOWN_CHARS_MAX else value[: SHOWN_CHARS_MAX - 1] + "…"
    return ascii(cut) if not cut.isprintable() else f"'{cut}'"


def respond(problem: Problem, request_id: str) -> web.Response:
    """The problem as an answer that no cache keeps."""
    body: dict[str, object] = {
        "type": f"/problems/{problem.type_slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "request_id": request_id,
    }
    if problem.pointer is not None:
        body["pointer"] = problem.pointer
    if problem.errors:
        body["errors"] = [error.model_dump() for error in problem.errors]
    headers = {"Cache-Control": "no-store", **problem.headers, "Content-Type": MEDIA_TYPE}
    return web.Response(status=problem.status, body=orjson.dumps(body), headers=headers)
