"""`/ledger/checkpoint.witnessed`: the newest checkpoint that has its quorum; `/ledger/policy`: which quorum that is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import web

from ledger import witness_policy
from ledger.note import VerifyKey
from server.http.conditional import answer, digest_tag
from server.http.problems import ProblemKind
from server.http.routes import Access, Route
from server.public.keys import OPEN, key_lines
from server.public.log_files import KEYS_CACHE
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
    """The handlers. `keys`: the entries that say which keys sign this log, as server.public.reads has them."""

    def __init__(self, reads: WitnessReads, keys: Callable[[], Awaitable[list[bytes]]]) -> None:
        self._reads = reads
        self._keys = keys

    async def policy(self, request: web.Request) -> web.StreamResponse:
        """GET /ledger/policy: a hint, like the keys: who verifies names witnesses of his own choice (attacks A4)."""
        rows = [line.split() for line in key_lines(await self._keys()).splitlines()]
        own = [VerifyKey.parse(vkey) for vkey, _, last in rows if last == OPEN]
        told = replace(self._reads.policy, logs={key.name: own for key in own})
        body = witness_policy.format_policy(told).encode()
        return answer(request, body, content_type=TEXT, etag=digest_tag(body), cache_control=KEYS_CACHE)

    async def checkpoint(self, request: web.Request) -> web.StreamResponse:
        """GET /ledger/checkpoint.witnessed."""
        newest = await self._reads.newest()
        if newest is None:
            raise NOT_WITNESSED("No checkpoint of this log has been cosigned.")
        body = newest.note.encode()
        return answer(request, body, content_type=TEXT, etag=digest_tag(body), cache_control="public, max-age=1")


def routes(reads: WitnessReads, keys: Callable[[], Awaitable[list[bytes]]]) -> list[Route]:
    """The rows of the route table."""
    handlers = Witnessed(reads, keys)
    return [
        Route(
            method="GET",
            path="/ledger/policy",
            handler=handlers.policy,
            access=Access.PUBLIC,
            summary="Which witnesses this log asks, and how many must have cosigned",
            description="As c2sp.org/tlog-policy. A hint: name witnesses of your own choice to your verifier.",
            response=TEXT,
            cors=True,
            tags=("log",),
        ),
        Route(
            method="GET",
            path="/ledger/checkpoint.witnessed",
            handler=handlers.checkpoint,
            access=Access.PUBLIC,
            summary="The newest checkpoint that witnesses have cosigned",
            description="The newest one with the quorum of this log's policy; where none has it, the newest that any "
            "witness cosigned. Witnesses are asked every few seconds, so it is a little behind `/ledger/checkpoint`.",
            response=TEXT,
            problems=(NOT_WITNESSED,),
            cors=True,
            tags=("log",),
        ),
    ]
