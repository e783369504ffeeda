"""/api/v1/ledger/entries, …/proof and /api/v1/funds: entries one by one, proved one by one, and what they sum to."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

import orjson
from aiohttp import web

from ledger.grammar import encode_base64
from server.http.conditional import IMMUTABLE, REVALIDATE, answer
from server.http.inputs import parsed
from server.public.models import AtPosition
from server.public.problems import ENTRY_NOT_FOUND, PROOF_NOT_YET
from server.public.proofs import ProofReads
from server.public.reads import PublicReads

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
RETRY_AFTER = {"Retry-After": "1"}


class LedgerAPI:
    """The handlers of single entries and of the funds."""

    def __init__(self, reads: PublicReads, proofs: ProofReads) -> None:
        self._reads = reads
        self._proofs = proofs

    async def entry(self, request: web.Request) -> web.StreamResponse:
        """GET /api/v1/ledger/entries/{position}: the exact bytes."""
        position = parsed(request, AtPosition).position
        found = await self._reads.entry(position)
        if found is None:
            raise ENTRY_NOT_FOUND(f"There is no entry {position}.", pointer="{position}")
        # Until a checkpoint covers it, a lost tail could still be written anew: no cache may hold it for ever.
        cache = IMMUTABLE if found.covered else REVALIDATE
        return answer(
            request, found.content, content_type=JSON, etag=encode_base64(found.leaf_hash), cache_control=cache
        )

    async def proof(self, request: web.Request) -> web.StreamResponse:
        """GET /api/v1/ledger/proof/{position}: a c2sp.org/tlog-proof."""
        position = parsed(request, AtPosition).position
        attempt = await self._proofs.entry(position)
        if attempt.text is None and attempt.exists:
            raise PROOF_NOT_YET(f"No checkpoint covers entry {position} yet.", headers=RETRY_AFTER)
        if attempt.text is None:
            raise ENTRY_NOT_FOUND(f"There is no entry {position}.", pointer="{position}")
        # Who asks for the proof of which gift is nobody's business: no cache on the way keeps it (B16).
        return web.Response(body=attempt.text.encode(), headers={"Content-Type": TEXT, "Cache-Control": "no-store"})

    async def funds(self, request: web.Request) -> web.StreamResponse:
        """GET /api/v1/funds."""
        rows = await self._reads.funds()
        size = rows[0]["size"] if rows else await self._reads.size()
        funds = [
            {
                "fund": name,
                "title": title,
                "restriction": restriction,
                "assets": [
                    {
                        "asset": row["asset"],
                        "received_minor": row["received"],
                        "fees_minor": row["fees"],
                        "available_minor": row["available"],
                    }
                    for row in group
                    if row["asset"] is not None
                ],
            }
            for (name, title, restriction), group in groupby(rows, itemgetter("name", "title", "restriction"))
        ]
        body = orjson.dumps({"position": size - 1, "funds": funds})
        return answer(request, body, content_type=JSON, etag=f"size-{size}", cache_control=REVALIDATE)
