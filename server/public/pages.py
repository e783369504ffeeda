"""/api/v1/ledger: the entries in either order, all of them or those that are asked for, page by page both ways."""

from __future__ import annotations

import orjson
from aiohttp import web

from ledger import canonical
from ledger.grammar import encode_base64
from server.http import cursors
from server.http.conditional import REVALIDATE, answer_compressed
from server.http.inputs import POSITION_MAX, parsed
from server.http.problems import INVALID_INPUT
from server.public.chosen import ChosenReads
from server.public.models import LedgerQuery
from server.public.problems import CURSOR_INVALID
from server.public.reads import Page, Place

JSON = "application/json"
LIST = "ledger"


class PagesAPI:
    """The handler of the list of entries."""

    def __init__(self, chosen: ChosenReads, list_limit_max: int) -> None:
        self._chosen = chosen
        self._list_limit_max = list_limit_max

    async def page(self, request: web.Request) -> web.StreamResponse:
        """GET /api/v1/ledger."""
        query = parsed(request, LedgerQuery)
        place = _place(query)
        limit = min(query.limit, self._list_limit_max)
        page = await (await self._chosen.by(query))(place, limit)
        # From the size and nothing else, so that the tag tells nothing that the page does not (B16).
        return await answer_compressed(
            request,
            orjson.dumps(_body(page, oldest_first=query.order == "oldest")),
            content_type=JSON,
            etag=f"size-{page.size}",
            cache_control=REVALIDATE,
        )


def _body(page: Page, *, oldest_first: bool) -> dict[str, object]:
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
            for row in (reversed(page.rows) if oldest_first else page.rows)
        ],
    }
    older, newer = ("previous", "next") if oldest_first else ("next", "previous")
    if page.older:
        body[older] = cursors.encode(LIST, page.rows[-1]["position"])
    if page.newer:
        body[newer] = cursors.encode(LIST, page.rows[0]["position"])
    return body


def _place(query: LedgerQuery) -> Place:
    if query.before is not None and query.after is not None:
        raise INVALID_INPUT("before and after are both given: a page lies on one side of one cursor.", pointer="?after")
    if query.after is not None:
        return Place(_position("after", query.after), older=False)
    if query.before is not None:
        return Place(_position("before", query.before))
    return Place(-1, older=False) if query.order == "oldest" else Place(POSITION_MAX)


def _position(name: str, cursor: str) -> int:
    try:
        return min(cursors.decode(LIST, cursor), POSITION_MAX)
    except cursors.CursorRefused as refused:
        raise CURSOR_INVALID(f"This is {refused}.", pointer=f"?{name}") from None
