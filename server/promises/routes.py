"""The row of the route table by which a giver gets the promise for a gift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from server.http.inputs import parsed
from server.http.problems import UNAVAILABLE, ProblemKind
from server.http.routes import Access, Route
from server.promises.maker import KeyNotVouched

if TYPE_CHECKING:
    from server.promises.maker import PromiseMaker

RETRY_AFTER: Final = {"Retry-After": "1"}

PROMISE_NONE = ProblemKind(
    "promise-none",
    404,
    "No promise for this",
    "No gift with this payment and this nonce is booked: it may not have arrived yet, or its fund is not known yet, or "
    "it was erased, or it is not yours. The answer is the same on purpose.",
)


class PromiseQuestion(BaseModel):
    """Which gift. In the body and not in the address, because addresses are written down on the way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    payment: str = Field(min_length=1, max_length=255, description="The provider's name of the payment, `pi_…`.")
    nonce: str = Field(min_length=16, max_length=255, description="The nonce made in the giver's browser.")


class KeptBody(BaseModel):
    """What shows that the promise is kept."""

    entry: str
    opening: dict[str, object]
    proof: str


class PromiseBody(BaseModel):
    """A promise file, SPEC.md 17. Keep it: `secondwind promise check` judges it offline."""

    format: Literal["secondwind-promise-v1"]
    key: str
    promise: str
    kept: KeptBody | None = None


class PromiseAPI:
    """The handler."""

    def __init__(self, maker: PromiseMaker) -> None:
        self._maker = maker

    async def promise(self, request: web.Request) -> web.StreamResponse:
        """POST /api/v1/promises."""
        asked = parsed(request, PromiseQuestion)
        try:
            document = await self._maker.of(asked.payment, asked.nonce)
        except KeyNotVouched as error:
            raise UNAVAILABLE(f"No promise can be signed now: {error}.", headers=RETRY_AFTER) from error
        if document is None:
            raise PROMISE_NONE("No gift with this payment and this nonce is booked here.", headers=RETRY_AFTER)
        headers = {"Content-Type": "application/json", "Cache-Control": "private, no-store"}
        return web.Response(body=orjson.dumps(document, option=orjson.OPT_SORT_KEYS), headers=headers)


def routes(maker: PromiseMaker) -> list[Route]:
    """The row."""
    return [
        Route(
            method="POST",
            path="/api/v1/promises",
            handler=PromiseAPI(maker).promise,
            access=Access.PUBLIC,
            summary="The promise that a gift will be public, and what keeps it",
            description="Asked for by whoever gave, as soon as the payment is made; it answers once the gift is "
            "booked. Asked again later, it also shows the public entry, opened to the nonce, and its proof.",
            response=PromiseBody,
            request=PromiseQuestion,
            quiet=True,
            problems=(PROMISE_NONE, UNAVAILABLE),
            tags=("giving",),
        )
    ]
