"""/ledger/…: the log as c2sp.org/tlog-tiles serves it. Strict paths; what a checkpoint covers never changes."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from ledger import tiles
from ledger.errors import MalformedError
from server.http.conditional import IMMUTABLE, answer, answer_compressed, digest_tag
from server.http.problems import shown
from server.public.keys import key_lines
from server.public.problems import CHECKPOINT_NOT_YET, TILE_NOT_YET, TILE_PATH_INVALID
from server.public.reads import PublicReads, SignedSize

TEXT = "text/plain; charset=utf-8"
BINARY = "application/octet-stream"
PREFIX = "/ledger/"
RETRY_AFTER = {"Retry-After": "1"}
CHECKPOINT_CACHE = "public, max-age=1"
KEYS_CACHE = "public, max-age=60"
NO_CACHE = "private, no-store"


class TreeReads(Protocol):
    """What is read of one log's tree."""

    async def checkpoint(self) -> SignedSize | None:
        """The newest checkpoint; None before the first."""

    async def tile(self, level: int, n: int, width: int) -> bytes | None:
        """The first `width` hashes of a tile; None when no checkpoint covers them."""

    async def bundle(self, n: int, width: int) -> bytes | None:
        """The first `width` entries of a bundle; None when no checkpoint covers them."""


class LogFiles:
    """The handlers of a log's files under `prefix`. `shared`: whether caches that many people use may keep them."""

    def __init__(self, reads: TreeReads, *, prefix: str = PREFIX, shared: bool = True) -> None:
        self._reads = reads
        self._prefix = prefix
        self._checkpoint_cache = CHECKPOINT_CACHE if shared else NO_CACHE
        self._tile_cache = IMMUTABLE if shared else NO_CACHE

    async def checkpoint(self, request: web.Request) -> web.StreamResponse:
        """GET checkpoint."""
        newest = await self._reads.checkpoint()
        if newest is None:
            raise CHECKPOINT_NOT_YET("The signer has not signed yet.", headers=RETRY_AFTER)
        body = newest.note.encode()
        return answer(request, body, content_type=TEXT, etag=digest_tag(body), cache_control=self._checkpoint_cache)

    async def tile(self, request: web.Request) -> web.StreamResponse:
        """GET tile/<L>/<N>[.p/<W>] and tile/entries/<N>[.p/<W>]."""
        # The path as it was sent: decoding first would give one tile many names, and caches many copies.
        path = request.rel_url.raw_path.removeprefix(self._prefix)
        try:
            wanted = tiles.parse_path(path)
        except MalformedError:
            raise TILE_PATH_INVALID(f"{shown(path)} is not a path of c2sp.org/tlog-tiles.") from None
        if wanted.level is None:
            body = await self._reads.bundle(wanted.n, wanted.width)
        else:
            body = await self._reads.tile(wanted.level, wanted.n, wanted.width)
        if body is None:
            raise TILE_NOT_YET(f"The newest checkpoint does not cover all of {shown(path)}.", headers=RETRY_AFTER)
        tag = digest_tag(body)
        if wanted.level is None:
            return await answer_compressed(request, body, content_type=BINARY, etag=tag, cache_control=self._tile_cache)
        return answer(request, body, content_type=BINARY, etag=tag, cache_control=self._tile_cache)


class LogKeys:
    """The handler of /ledger/keys."""

    def __init__(self, reads: PublicReads) -> None:
        self._reads = reads

    async def keys(self, request: web.Request) -> web.StreamResponse:
        """GET /ledger/keys: `<vkey> <from> <to>` per line. A hint: whoever verifies pins a key of his own (A4)."""
        body = key_lines(await self._reads.key_entries()).encode()
        return answer(request, body, content_type=TEXT, etag=digest_tag(body), cache_control=KEYS_CACHE)
