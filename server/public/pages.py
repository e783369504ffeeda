"""/api/v1/ledger: the entries newest first, all of them or those that a filter asks for, page by page both ways."""

from __future__ import annotations

import orjson
from aiohttp import web

from ledger import canonical
from ledger.grammar import encode_base64
from server.http import cursors
from server.http.conditional import REVALIDATE, answer_compressed
from server.http.inputs import POSITION_MAX, parsed
from server.http.problems import INVALID_INPUT
from server.public.filters import Filter
from server.public.lists import ListReads
from server.public.models import LedgerQuery
from server.public.problems import CURSOR_INVALID
from server.public.reads import Page, Place, PublicReads

JSON = "application/json"
LIST = "ledger"


class PagesAPI:
    """The handler of the list of entries."""

    def __init__(self, reads: PublicReads, lists: ListReads, list_limit_max: int) -> None:
        self._reads = reads
        self._lists = lists
        self._list_limit_max = list_limit_max

    async def page(self, request: web.Request) -> web.StreamResponse:
        """GET /api/v1/ledger."""
        query = parsed(request, LedgerQuery)
        place = _place(query)
        limit = min(query.limit, self._list_limit_max)
        chosen = Filter.of(query)
        if chosen is None:
            page = await self._reads.page(place, limit)
        else:
            chosen.check(await self._lists.declared_names())
            page = await self._lists.page(chosen, place, limit)
        # From the size and nothing else, so that the tag tells nothing that the page does not (B16).
        return await answer_compressed(
            request,
            orjson.dumps(_body(page)),
            content_type=JSON,
            etag=f"size-{page.size}",
            cache_control=REVALIDATE,
        )


def _body(page: Page) -> dict[str, object]:
    body: dict[str, object] = {
        "size": page.size,
        "entries": [
            {
                "position": row["position"],
                "type": row["type"],
                "at": canonical.format_at(row["at_us"]),
                "period": row["period"],
                "leaf_hash": encode_base64(row["leaf_hash"]),
                "entry": row["bytes"].decode(),
            }
            for row in page.rows
        ],
    }
    if page.older:
        body["next"] = cursors.encode(LIST, page.rows[-1]["position"])
    if page.newer:
        body["previous"] = cursors.encode(LIST, page.rows[0]["position"])
    return body


def _place(query: LedgerQuery) -> Place:
    if query.before is not None and query.after is not None:
        raise INVALID_INPUT("before and after are both given: a page lies on one side of one cursor.", pointer="?after")
    if query.after is not None:
        return Place(_position("after", query.after), older=False)
    return Place(POSITION_MAX if query.before is None else _position("before", query.before))


def _position(name: str, cursor: str) -> int:
    try:
        return min(cursors.decode(LIST, cursor), POSITION_MAX)
    except cursors.CursorRefused as refused:
        raise CURSOR_INVALID(f"This is {refused}.", pointer=f"?{name}") from None
