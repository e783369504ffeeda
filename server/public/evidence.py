"""/api/v1/ledger/consistency: what a reader holds against the log as a whole."""

from __future__ import annotations

import orjson
from aiohttp import web

from ledger.grammar import encode_base64
from server.http.conditional import IMMUTABLE, REVALIDATE, answer, digest_tag
from server.http.inputs import parsed
from server.http.problems import INVALID_INPUT
from server.public.models import ConsistencyQuery
from server.public.problems import PROOF_NOT_YET
from server.public.proofs import CoveredSize, NotCovered, ProofReads

JSON = "application/json"
RETRY_AFTER = {"Retry-After": "1"}


class EvidenceAPI:
    """The handlers of proofs about sizes."""

    def __init__(self, proofs: ProofReads) -> None:
        self._proofs = proofs

    async def consistency(self, request: web.Request) -> web.StreamResponse:
        """GET /api/v1/ledger/consistency."""
        query = parsed(request, ConsistencyQuery)
        if query.to is not None and query.from_ > query.to:
            raise INVALID_INPUT(
                f"from: {query.from_} is larger than to, {query.to}: ask from the smaller size.", pointer="?from"
            )
        found = await self._proofs.consistency(query.from_, query.to)
        if isinstance(found, NotCovered):
            raise not_covered(max(query.from_, query.to or 0), found.signed)
        body = {
            "from": found.first,
            "to": found.last.size,
            "root_from": encode_base64(found.root),
            "root_to": encode_base64(found.last.root),
            "proof": [encode_base64(node) for node in found.path],
            **checkpoint_members(found.last),
        }
        return _answer(request, body, named=query.to is not None)


def checkpoint_members(covered: CoveredSize) -> dict[str, object]:
    """The members of an answer that say why its root is to be believed."""
    return {
        "checkpoint": covered.checkpoint,
        "checkpoint_proof": [encode_base64(node) for node in covered.way],
    }


def not_covered(size: int, signed: int) -> Exception:
    """The problem of asking about a size that no checkpoint reaches."""
    newest = f"the newest covers {signed}" if signed else "nothing is signed yet"
    return PROOF_NOT_YET(
        f"No checkpoint covers {size} entries: {newest}. Ask for a size up to that, or again later.",
        headers=RETRY_AFTER,
    )


def _answer(request: web.Request, body: dict[str, object], *, named: bool) -> web.Response:
    """`named`: the caller named the size, and what was once said about a size is said for ever."""
    content = orjson.dumps(body)
    cache = IMMUTABLE if named else REVALIDATE
    return answer(request, content, content_type=JSON, etag=digest_tag(content), cache_control=cache)
