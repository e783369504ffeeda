"""A channel in memory, that tests grow and count reads of."""

from __future__ import annotations

import asyncio

from realtime.channels import Publication


def publication(p: int, size: int = 20) -> Publication:
    """Entry `p` of a dense channel."""
    return Publication(p, p - 1, f'{{"position":{p},"x":"{"x" * size}"}}'.encode())


class MemorySource:
    """`realtime.channels.ChannelSource` over a list."""

    def __init__(self, count: int = 0, size: int = 20) -> None:
        self.items = [publication(p, size) for p in range(count)]
        self.reads = 0
        self.fail_next = 0

    async def top(self) -> int:
        return len(self.items) - 1

    async def read(self, after: int, limit: int, bytes_max: int) -> list[Publication]:
        self.reads += 1
        await asyncio.sleep(0)
        if self.fail_next:
            self.fail_next -= 1
            raise ConnectionError("the source is away")
        page: list[Publication] = []
        total = 0
        for item in self.items[after + 1 : after + 1 + limit]:
            total += len(item.data)
            if page and total > bytes_max:
                break
            page.append(item)
        return page

    def grow(self, count: int) -> list[Publication]:
        """Append that many and return them."""
        new = [publication(p) for p in range(len(self.items), len(self.items) + count)]
        self.items += new
        return new
