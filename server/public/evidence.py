"""/api/v1/ledger/consistency and …/trial-balance: what a reader holds against the log as a whole."""

from __future__ import annotations

import orjson
from aiohttp import web

from ledger.grammar import encode_base64
from server.http.conditional import IMMUTABLE, REVALIDATE, answer, answer_compressed, digest_tag
from server.http.inputs import parsed
from server.http.problems import INVALID_INPUT, Problem
from server.public.lists import ListReads
from server.public.models import ConsistencyQuery, TrialBalanceQuery
from server.public.problems import PROOF_NOT_YET
from server.public.proofs import CoveredSize, NotCovered, ProofReads

JSON = "application/json"
RETRY_AFTER = {"Retry-After": "1"}


class EvidenceAPI:
    """The handlers of what is said about a size of the log."""

    def __init__(self, proofs: ProofReads, lists: ListReads) -> None:
        self._proofs = proofs
        self._lists = lists

    async def consistency(self, request: web.Request) -> web.StreamResponse:
        """GET /api/v1/ledger/consistency."""
        query = parsed(request, ConsistencyQuery)
        if query.to is not None and query.from_ > query.to:
            raise INVALID_INPUT(
                f"from: {query.from_} is larger than to, {query.to}: ask from the smaller size.", pointer="?from"
            )
        found = await self._proofs.consistency(query.from_, query.to)
        if isinstance(found, NotCovered):
            raise _not_covered(max(query.from_, query.to or 1), found)
        body = {
            "from": found.first,
            "to": found.last.size,
            "root_from": encode_base64(found.root),
            "root_to": encode_base64(found.last.root),
            "proof": [encode_base64(node) for node in found.path],
            **_evidence(found.last),
        }
        content = orjson.dumps(body)
        cache = _cache(query.to)
        return answer(request, content, content_type=JSON, etag=digest_tag(content), cache_control=cache)

    async def trial_balance(self, request: web.Request) -> web.StreamResponse:
        """GET /api/v1/ledger/trial-balance."""
        at = parsed(request, TrialBalanceQuery).at
        found = await self._lists.trial_balance(at)
        if isinstance(found, NotCovered):
            raise _not_covered(at or 1, found)
        body = {
            "size": found.covered.size,
            "position": found.covered.size - 1,
            "root": encode_base64(found.covered.root),
            "digest": encode_base64(found.digest),
            "balances": [
                {"account": account, "asset": asset, "fund": fund, "balance_minor": str(balance)}
                for (account, asset, fund), balance in found.balances.items()
            ],
            **_evidence(found.covered),
        }
        content = orjson.dumps(body)
        tag, cache = digest_tag(content), _cache(at)
        return await answer_compressed(request, content, content_type=JSON, etag=tag, cache_control=cache)


def _evidence(covered: CoveredSize) -> dict[str, object]:
    """The members of an answer that say why its root is to be believed."""
    return {"checkpoint": covered.checkpoint, "checkpoint_proof": [encode_base64(node) for node in covered.way]}


def _not_covered(size: int, found: NotCovered) -> Problem:
    return PROOF_NOT_YET(
        f"Of {size} entries nothing can be proved yet, of {found.reached} it can. Ask for no more, or again later.",
        headers=RETRY_AFTER,
    )


def _cache(named: int | None) -> str:
    """What was once said about a size that the caller named is said for ever; the newest size moves on."""
    return REVALIDATE if named is None else IMMUTABLE
