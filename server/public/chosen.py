"""The entries that a query asks for, page by page: all of them, or those that a filter and words let through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from server.public.filters import Filter
from server.public.lists import ListReads
from server.public.models import LedgerFilter
from server.public.reads import Page, Place, PublicReads
from server.public.words import terms

Pages = Callable[[Place, int], Awaitable[Page]]
"""One page from a place on, of at most so many entries."""


class ChosenReads:
    """Reads entries in whichever way is cheapest for what is asked."""

    def __init__(self, reads: PublicReads, lists: ListReads) -> None:
        self._reads = reads
        self._lists = lists

    async def by(self, query: LedgerFilter) -> Pages:
        """What turns the pages. Raises a Problem for a filter that nothing could ever fit."""
        chosen = Filter.of(query)
        words = [] if query.q is None else terms(query.q)
        if chosen is None and not words:
            return self._reads.page
        fitting = chosen or Filter(digits_min=0)
        fitting.check(await self._lists.declared_names())

        async def page(place: Place, limit: int) -> Page:
            return await self._lists.page(fitting, place, limit, words)

        return page
