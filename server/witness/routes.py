"""The rows of the route table that make this process a witness, as c2sp.org/tlog-witness asks. SPEC.md 16."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web
from pydantic import Field

from ledger.witness import REQUEST_BYTES_MAX, SIZE_TYPE, WitnessRefusal
from server.http.inputs import Parameters, parsed
from server.http.problems import UNAVAILABLE, ProblemKind
from server.http.routes import Access, Route
from server.witness.keeper import WitnessUnable

if TYPE_CHECKING:
    from server.witness.keeper import Keeper

TEXT: Final = "text/plain; charset=utf-8"
RETRY_AFTER: Final = {"Retry-After": "1"}

REQUEST_MALFORMED = ProblemKind(
    "witness-request-malformed",
    400,
    "Not a request to a witness",
    "The body is `old <size>`, at most 63 lines of base64 hashes, an empty line and a signed checkpoint, as "
    "c2sp.org/tlog-witness says; the old size is not larger than the checkpoint's. Nothing was cosigned.",
)
NOT_SIGNED_BY_LOG = ProblemKind(
    "log-signature-missing",
    403,
    "Not signed by the log",
    "The checkpoint bears no signature by a key that this witness trusts for its origin. Nothing was cosigned.",
)
LOG_NOT_WITNESSED = ProblemKind(
    "log-not-witnessed",
    404,
    "A log that is not witnessed here",
    "This witness follows the logs in its policy file, and none of them has this origin.",
)
NOT_CONSISTENT = ProblemKind(
    "checkpoint-not-consistent",
    422,
    "Not a continuation of what was cosigned",
    "The proof does not show that the checkpoint goes on from the one that this witness cosigned last. Either the "
    "proof is wrong, or the log has two histories. Nothing was cosigned.",
)
_KINDS = {kind.status: kind for kind in (REQUEST_MALFORMED, NOT_SIGNED_BY_LOG, LOG_NOT_WITNESSED, NOT_CONSISTENT)}


class AtOrigin(Parameters):
    """Which log."""

    origin_hash: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the log's origin, in hex.")


class WitnessAPI:
    """The two handlers."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def add_checkpoint(self, request: web.Request) -> web.StreamResponse:
        """POST add-checkpoint."""
        try:
            line = await self._keeper.add_checkpoint(await request.read())
        except WitnessRefusal as refusal:
            if refusal.known_size is not None:
                body = f"{refusal.known_size}\n".encode()
                return web.Response(status=refusal.status, body=body, headers={"Content-Type": SIZE_TYPE})
            raise _KINDS[refusal.status](refusal.sentence) from None
        except WitnessUnable as error:
            raise UNAVAILABLE(f"Nothing was cosigned: {error}.", headers=RETRY_AFTER) from error
        return web.Response(body=line.encode(), headers={"Content-Type": TEXT, "Cache-Control": "no-store"})

    async def checkpoint(self, request: web.Request) -> web.StreamResponse:
        """GET <hash of the origin>/checkpoint."""
        newest = await self._keeper.newest(parsed(request, AtOrigin).origin_hash)
        if newest is None:
            raise LOG_NOT_WITNESSED("No checkpoint of a log whose origin has this hash was cosigned here.")
        return web.Response(body=newest.encode(), headers={"Content-Type": TEXT, "Cache-Control": "public, max-age=1"})


def routes(keeper: Keeper, prefix: str) -> list[Route]:
    """A witness's two rows under `prefix`, which is "" or a path without its final slash."""
    api = WitnessAPI(keeper)
    return [
        Route(
            method="POST",
            path=f"{prefix}/add-checkpoint",
            handler=api.add_checkpoint,
            access=Access.PUBLIC,
            summary="Ask this witness to cosign a checkpoint",
            description="As c2sp.org/tlog-witness. 409 tells the size that was cosigned last, as `text/x.tlog.size`.",
            response=TEXT,
            body_bytes_max=REQUEST_BYTES_MAX,
            problems=(REQUEST_MALFORMED, NOT_SIGNED_BY_LOG, LOG_NOT_WITNESSED, NOT_CONSISTENT, UNAVAILABLE),
            tags=("witness",),
        ),
        Route(
            method="GET",
            path=f"{prefix}/{{origin_hash}}/checkpoint",
            handler=api.checkpoint,
            access=Access.PUBLIC,
            summary="The newest checkpoint of a log that this witness cosigned",
            response=TEXT,
            params=AtOrigin,
            problems=(LOG_NOT_WITNESSED,),
            cors=True,
            tags=("witness",),
        ),
    ]
