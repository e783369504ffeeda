"""Answers that are sent piece by piece: as long as they are, and never longer waited for than a slow peer may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from server.http.problems import UNAVAILABLE

STREAMS_MAX = 32
PEER_TIMEOUT_S = 60.0
"""How long one piece may take to be sent. A peer that reads nothing would hold its piece for ever."""
RETRY_AFTER_S = 5


class Streams:
    """Sends long answers, at most `streams_max` at once."""

    def __init__(self, *, streams_max: int = STREAMS_MAX, peer_timeout_s: float = PEER_TIMEOUT_S) -> None:
        self._free = streams_max
        self._peer_timeout_s = peer_timeout_s

    async def send(
        self, request: web.Request, pieces: AsyncIterator[bytes], *, status: int = 200, headers: Mapping[str, str]
    ) -> web.StreamResponse:
        """Answer with the pieces, in order; a HEAD without them.

        Whatever `pieces` raises cuts the connection, so that half an answer is never taken for a whole one. Raises a
        Problem when too many are being sent.
        """
        if self._free <= 0:
            raise UNAVAILABLE(
                "Too many long answers are being sent just now.", headers={"Retry-After": str(RETRY_AFTER_S)}
            )
        self._free -= 1
        try:
            response = web.StreamResponse(status=status, headers=dict(headers))
            await response.prepare(request)
            if request.method == "HEAD":
                return response
            async for piece in pieces:
                if not await self._sent(request, response, piece):
                    break
            else:
                await response.write_eof()
            return response
        finally:
            self._free += 1

    async def _sent(self, request: web.Request, response: web.StreamResponse, piece: bytes) -> bool:
        try:
            async with asyncio.timeout(self._peer_timeout_s):
                await response.write(piece)
        except TimeoutError:
            # Nothing more can be told to a peer that does not read.
            if request.transport is not None:
                request.transport.abort()
            return False
        return True
