"""Channels: named sequences of publications, and where the older ones are read from. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

PAGE_LEN_MAX = 500
PAGE_BYTES_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class Publication:
    """One message of a channel. `after` is the position before it, -1 for the first; `data` is text in UTF-8."""

    p: int
    after: int
    data: bytes


class ChannelSource(Protocol):
    """Where a channel's publications live for good."""

    async def top(self) -> int:
        """The newest position, -1 while there is none."""

    async def read(self, after: int, limit: int, bytes_max: int) -> list[Publication]:
        """The publications after a position, oldest first: at most `limit`, about `bytes_max`, at least one if any."""


class Ring:
    """The newest publications, held so that most clients are caught up without a read."""

    def __init__(self, *, len_max: int = 4_096, bytes_max: int = 4 * 1024 * 1024) -> None:
        self._len_max = len_max
        self._bytes_max = bytes_max
        self._bytes = 0
        self._items: deque[Publication] = deque()

    def extend(self, publications: Iterable[Publication]) -> None:
        """Add the newest; the oldest beyond the limits are let go."""
        for publication in publications:
            self._items.append(publication)
            self._bytes += len(publication.data)
        while self._items and (len(self._items) > self._len_max or self._bytes > self._bytes_max):
            self._bytes -= len(self._items.popleft().data)

    def page(self, after: int) -> list[Publication] | None:
        """The next page after a position, or None when its beginning is no longer (or not yet) here."""
        if not self._items or after < self._items[0].after or after > self._items[-1].p:
            return None
        page: list[Publication] = []
        size = 0
        # Positions are dense, so the place of the next one follows from the first one's.
        start = after - self._items[0].after
        for index in range(start, len(self._items)):
            publication = self._items[index]
            size += len(publication.data)
            if page and (len(page) == PAGE_LEN_MAX or size > PAGE_BYTES_MAX):
                break
            page.append(publication)
        return page
