"""/api/v1/ledger/export.csv: the postings of whatever is asked for, for spreadsheets; no formula runs in them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from ledger import sheets
from ledger.facts import fact
from server.http.conditional import REVALIDATE, matches
from server.http.inputs import parsed
from server.http.streaming import Streams
from server.public.chosen import ChosenReads, Pages
from server.public.models import LedgerFilter
from server.public.reads import Page, Place

CSV = "text/csv; charset=utf-8; header=present"
ENTRIES_PER_READ = 500


class SheetAPI:
    """The handler of searches as CSV."""

    def __init__(self, chosen: ChosenReads, streams: Streams) -> None:
        self._chosen = chosen
        self._streams = streams

    async def sheet(self, request: web.Request) -> web.StreamResponse:
        """GET /api/v1/ledger/export.csv."""
        pages = await self._chosen.by(parsed(request, LedgerFilter))
        first = await pages(Place(-1, older=False), ENTRIES_PER_READ)
        headers = {"ETag": f'"size-{first.size}"', "Cache-Control": REVALIDATE}
        if matches(request, f"size-{first.size}"):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = CSV
        headers["Content-Disposition"] = f'attachment; filename="ledger-{first.size}.csv"'
        return await self._streams.send(request, _rows(pages, first), headers=headers)


async def _rows(pages: Pages, first: Page) -> AsyncIterator[bytes]:
    """Oldest first, and no further than the log was long when it began: so the ETag says what is in it."""
    yield sheets.row(sheets.JOURNAL_HEAD).encode()
    page = first
    while page.rows:
        shown = [row for row in reversed(page.rows) if row["position"] < first.size]
        yield "".join(sheets.journal_rows(fact(row["bytes"], row["leaf_hash"])) for row in shown).encode()
        newest = page.rows[0]["position"]
        if not page.newer or newest >= first.size:
            return
        page = await pages(Place(newest, older=False), ENTRIES_PER_READ)
