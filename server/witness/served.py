"""`/ledger/checkpoint.witnessed`: the newest checkpoint that has its quorum of witnesses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from server.http.conditional import answer, digest_tag
from server.http.problems import ProblemKind
from server.http.routes import Access, Route
from server.witness.routes import TEXT

if TYPE_CHECKING:
    from server.witness.standing import WitnessReads

NOT_WITNESSED = ProblemKind(
    "checkpoint-not-witnessed",
    404,
    "Witnessed by nobody yet",
    "No witness has cosigned a checkpoint of this log. What the log says of itself stands at /ledger/checkpoint; "
    "nobody outside vouches that everyone is shown the same.",
)


class Witnessed:
    """The handler."""

    def __init__(self, reads: WitnessReads) -> None:
        self._reads = reads

    async def checkpoint(self, request: web.Request) -> web.StreamResponse:
        """GET /ledger/checkpoint.witnessed."""
        newest = await self._reads.newest()
        if newest is None:
            raise NOT_WITNESSED("No checkpoint of this log has been cosigned.")
        body = newest.note.encode()
        return answer(request, body, content_type=TEXT, etag=digest_tag(body), cache_control="public, max-age=1")


def routes(reads: WitnessReads) -> list[Route]:
    """The row of the route table."""
    return [
        Route(
            method="GET",
            path="/ledger/checkpoint.witnessed",
            handler=Witnessed(reads).checkpoint,
            access=Access.PUBLIC,
            summary="The newest checkpoint that witnesses have cosigned",
            description="The newest one with the quorum of this log's policy; where none has it, the newest that any "
            "witness cosigned. Witnesses are asked every few seconds, so it is a little behind `/ledger/checkpoint`.",
            response=TEXT,
            problems=(NOT_WITNESSED,),
            cors=True,
            tags=("log",),
        )
    ]
