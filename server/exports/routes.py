"""/api/v1/ledger/export: a range of the public log as one file, resumable, for ever the same (ledger/EXPORT.md)."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from typing import BinaryIO

from aiohttp import web

from ledger import archive
from ledger.errors import MalformedError
from ledger.export import Range
from server.exports.maker import TooLong
from server.exports.models import ExportQuery
from server.exports.problems import EXPORT_NOT_YET, RANGE_NOT_SATISFIABLE, RANGE_TOO_LONG, RANGE_UNSIGNED
from server.exports.sheet import SheetAPI
from server.exports.shelf import Full, NotYet, Shelf
from server.exports.source import Source
from server.http.byte_ranges import Span, Unsatisfiable, asked_span, same_version
from server.http.conditional import IMMUTABLE, REVALIDATE, matches
from server.http.inputs import parsed
from server.http.problems import INVALID_INPUT, UNAVAILABLE
from server.http.routes import Access, Route
from server.http.streaming import Streams
from server.public.models import LedgerFilter
from server.public.routes import ALIAS, API

ENTRIES_MAX = 262_144
READ_MAX = 1_048_576
"""Entries of a range and before it: one that begins long after the newest close is proved from there on."""

PIECE_BYTES = 256 * 1024
RETRY_AFTER_S = 3
TAR = "application/x-tar"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

_log = logging.getLogger(__name__)


class ExportAPI:
    """The handler of range exports."""

    def __init__(self, source: Source, origin: str, shelf: Shelf, streams: Streams) -> None:
        self._source = source
        self._origin = origin
        self._shelf = shelf
        self._streams = streams

    async def export(self, request: web.Request) -> web.StreamResponse:
        """GET /api/v1/ledger/export."""
        query = parsed(request, ExportQuery)
        chosen = await self._range(query)
        file = await self._made(chosen)
        try:
            return await self._answer(request, chosen, file, IMMUTABLE if query.to is not None else REVALIDATE)
        finally:
            file.close()

    async def _range(self, query: ExportQuery) -> Range:
        size = await self._source.size()
        end = size if query.to is None else query.to
        if end > size:
            raise RANGE_UNSIGNED(f"{size} entries are signed, {end} are asked for: lower `to`.", pointer="?to")
        try:
            chosen = Range(self._source.log, self._origin, query.from_, end)
        except MalformedError as error:
            raise INVALID_INPUT(f"{error}.", pointer="?from") from None
        if end - query.from_ > ENTRIES_MAX:
            raise RANGE_TOO_LONG(
                f"{end - query.from_} entries are asked for, {ENTRIES_MAX} are exported at once.", pointer="?to"
            )
        return chosen

    async def _made(self, chosen: Range) -> BinaryIO:
        retry = {"Retry-After": str(RETRY_AFTER_S)}
        try:
            return await self._shelf.open(chosen)
        except NotYet as making:
            raise EXPORT_NOT_YET(f"{making.done} of {making.total} entries are read.", headers=retry) from None
        except TooLong as error:
            raise RANGE_TOO_LONG(str(error), pointer="?from") from None
        except Full:
            raise UNAVAILABLE("Too many exports are being made just now.", headers=retry) from None
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            _log.exception("no room to make %s", chosen.directory)
            raise UNAVAILABLE("There is no room to make an export just now.", headers=retry) from None

    async def _answer(
        self, request: web.Request, chosen: Range, file: BinaryIO, cache_control: str
    ) -> web.StreamResponse:
        etag, size = await asyncio.to_thread(_described, file)
        headers = {
            "ETag": f'"{etag}"',
            "Cache-Control": cache_control,
            "Accept-Ranges": "bytes",
        }
        if matches(request, etag):
            return web.Response(status=304, headers=headers)
        span = _span(request, etag, size)
        first, end = span or (0, size)
        headers["Content-Type"] = TAR
        headers["Content-Length"] = str(end - first)
        headers["Content-Disposition"] = f'attachment; filename="{chosen.directory.rstrip("/")}.tar"'
        if span is not None:
            headers["Content-Range"] = span.content_range(size)
        pieces = _pieces(file, first, end)
        return await self._streams.send(request, pieces, status=200 if span is None else 206, headers=headers)


def routes(api: ExportAPI, sheet: SheetAPI) -> list[Route]:
    """The rows of the route table for exports."""
    row = Route(
        method="GET",
        path=f"{API}/ledger/export",
        handler=api.export,
        access=Access.PUBLIC,
        summary="A range of the ledger as one file that anyone can verify",
        response=TAR,
        description="The same range is the same bytes for ever, so a download can be resumed anywhere: the ETag is "
        "strong, and `Range` with `If-Range` is answered with 206. ledger/EXPORT.md says what is in it.",
        query=ExportQuery,
        timeout_s=None,
        cors=True,
        tags=("ledger",),
        problems=(EXPORT_NOT_YET, RANGE_UNSIGNED, RANGE_TOO_LONG, RANGE_NOT_SATISFIABLE),
    )
    found = Route(
        method="GET",
        path=f"{API}/ledger/export.csv",
        handler=sheet.sheet,
        access=Access.PUBLIC,
        summary="What a search finds, as a table for spreadsheets",
        response="text/csv",
        description="One line per posting of every entry that fits, oldest first, as derived/journal.csv of an export. "
        "Not authoritative: the entries are. Cells that would run as a formula begin with an apostrophe.",
        query=LedgerFilter,
        timeout_s=None,
        cors=True,
        tags=("ledger",),
    )
    return [row, found, *(replace(one, path=one.path.replace(API, ALIAS, 1), listed=False) for one in (row, found))]


def _described(file: BinaryIO) -> tuple[str, int]:
    """An ETag and the size. The tag is of the manifest, which names the digest of every other member."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    manifest = file.read(archive.parse_header(file.read(archive.BLOCK_BYTES))[1])
    return sha256(manifest).hexdigest()[:32], size


def _span(request: web.Request, etag: str, size: int) -> Span | None:
    if not same_version(request.headers.get("If-Range"), etag):
        return None
    try:
        return asked_span(request.headers.get("Range"), size)
    except Unsatisfiable as error:
        raise RANGE_NOT_SATISFIABLE(
            f"There is nothing in {error}.", headers={"Content-Range": f"bytes */{size}"}
        ) from None


async def _pieces(file: BinaryIO, first: int, end: int) -> AsyncIterator[bytes]:
    file.seek(first)
    while first < end:
        piece = await asyncio.to_thread(file.read, min(PIECE_BYTES, end - first))
        if not piece:
            raise OSError(f"the export ends at byte {first}, before {end}")
        first += len(piece)
        yield piece
