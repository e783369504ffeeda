"""/api/v1/ledger…: the same entries for programs and pages: newest first, one by one, proved one by one."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

import orjson
from aiohttp import web

from ledger import canonical
from ledger.grammar import encode_base64
from server.http import cursors
from server.http.conditional import IMMUTABLE, REVALIDATE, answer, answer_compressed
from server.http.inputs import POSITION_MAX, parsed
from server.public.models import AtPosition, LedgerQuery
from server.public.problems import CURSOR_INVALID, ENTRY_NOT_FOUND, PROOF_NOT_YET
from server.public.proofs import ProofReads
from server.public.reads import PublicReads

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
LIST = "ledger"
RETRY_AFTER = {"Retry-After": "1"}


class LedgerAPI:
    """The handlers of the ledger's JSON side."""

    def __init__(self, reads: PublicReads, proofs: ProofReads, list_limit_max: int) -> None:
        self._reads = reads
        self._proofs = proofs
        self._list_limit_max = list_limit_max

    async def newest(self, request: web.Request) -> web.StreamResponse:
        """GET /api/v1/ledger."""
        query = parsed(request, LedgerQuery)
        limit = min(query.limit, self._list_limit_max)
        size, rows = await self._reads.page(_before(query), limit)
        page: dict[str, object] = {
            "size": size,
            "entries": [
                {
                    "position": row["position"],
                    "type": row["type"],
                    "at": canonical.format_at(row["at_us"]),
                    "period": row["period"],
                    "leaf_hash": encode_base64(row["leaf_hash"]),
                    "entry": row["bytes"].decode(),
                }
                for row in rows
            ],
        }
        if rows and rows[-1]["position"] > 0:
            page["next"] = cursors.encode(LIST, rows[-1]["position"])
        # From the size and nothing else, so that the tag tells nothing that the page does not (B16).
        return await answer_compressed(
            request, orjson.dumps(page), content_type=JSON, etag=f"size-{size}", cache_control=REVALIDATE
        )

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


def _before(query: LedgerQuery) -> int:
    if query.before is None:
        return POSITION_MAX
    try:
        return cursors.decode(LIST, query.before)
    except cursors.CursorRefused as refused:
        raise CURSOR_INVALID(f"This is {refused}.", pointer="?before") from None
