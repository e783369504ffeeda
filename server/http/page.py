"""The web page people use, as Vite built it: hashed assets for ever, index.html asked about each time.

What may be served is a list made from the directory beforehand; a path is only ever looked up in it, never joined to a
directory. So there is nothing to traverse. When the page was not built, `/` says so, and the service runs all the same.
"""

from __future__ import annotations

import asyncio
import logging
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from server.http.conditional import IMMUTABLE, REVALIDATE, answer_compressed, digest_tag
from server.http.html import CONTENT_TYPE, element, page
from server.http.problems import NOT_FOUND, shown
from server.http.routes import Access, Route

DIRECTORY = Path(__file__).parent / "static" / "app"
INDEX = "index.html"
PAGES = {"": INDEX, "verify": "verify.html"}
"""Paths that people see, and the files behind them."""
ASSETS = "assets/"
FILE_BYTES_MAX = 8 * 1024 * 1024
FILES_MAX = 500

_log = logging.getLogger(__name__)

_NOT_BUILT = page(
    "SecondWind",
    element("h1", "The service is running."),
    element(
        "p", "Its page has not been built on this machine, so there is nothing to look at here yet.", class_="lead"
    ),
    element(
        "p",
        "To build it, install node 20 or newer and start again with ",
        element("code", "./dev up"),
        ". Everything else works without it.",
    ),
    element(
        "ul",
        element("li", element("a", "The interface", href="/docs")),
        element("li", element("a", "The ledger, newest first", href="/api/v1/ledger")),
        element("li", element("a", "The newest checkpoint", href="/ledger/checkpoint")),
        element("li", element("a", "Status", href="/status")),
        class_="links",
    ),
)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it will be served."""

    body: bytes
    content_type: str
    etag: str


class WebPage:
    """The built page in memory. Read again when a new build replaced its index."""

    def __init__(self, directory: Path = DIRECTORY) -> None:
        self._directory = directory
        self._files: dict[str, StaticFile] = {}
        self._stamp: tuple[int, int] | None = None
        self._reading = asyncio.Lock()

    @property
    def built(self) -> bool:
        """True when there is a page to serve, whether or not it was asked for yet."""
        return INDEX in self._files or (self._directory / INDEX).is_file()

    async def refresh(self) -> None:
        """Read the directory if its index changed. Cheap when it did not: one `stat`."""
        async with self._reading:
            stamp = await asyncio.to_thread(_stamp, self._directory / INDEX)
            if stamp != self._stamp:
                self._files = await asyncio.to_thread(read_files, self._directory)
                self._stamp = stamp

    def routes(self) -> list[Route]:
        """The page's rows of the table. Not listed in the reference: they are the page, not the interface."""

        def row(path: str, summary: str, response: str) -> Route:
            return Route(
                method="GET",
                path=path,
                handler=self.serve,
                access=Access.PUBLIC,
                summary=summary,
                response=response,
                listed=False,
                tags=("page",),
                problems=(NOT_FOUND,),
            )

        return [
            row("/", "The live ledger", "text/html"),
            row("/verify", "Verify the ledger", "text/html"),
            row("/assets/{name:.+}", "A part of the page", "application/octet-stream"),
            row(r"/{name:[a-z0-9_-]+\.[a-z0-9]+}", "A part of the page", "application/octet-stream"),
        ]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET /, /verify and every file of the page."""
        path = request.rel_url.raw_path.removeprefix("/")
        name = PAGES.get(path, path)
        if name in PAGES.values() or name not in self._files:
            await self.refresh()
        file = self._files.get(name)
        if file is None:
            if name in PAGES.values() and INDEX not in self._files:
                return await answer_compressed(
                    request,
                    _NOT_BUILT,
                    content_type=CONTENT_TYPE,
                    etag=digest_tag(_NOT_BUILT),
                    cache_control=REVALIDATE,
                )
            raise NOT_FOUND(f"Nothing is at {shown(request.path)}.")
        cache = IMMUTABLE if name.startswith(ASSETS) else REVALIDATE
        return await answer_compressed(
            request, file.body, content_type=file.content_type, etag=file.etag, cache_control=cache
        )


def read_files(directory: Path) -> dict[str, StaticFile]:
    """Every regular file below `directory` by its relative path; links are not followed, giants not taken."""
    files: dict[str, StaticFile] = {}
    if not (directory / INDEX).is_file():
        return files
    for path in sorted(directory.rglob("*"))[:FILES_MAX]:
        if path.is_symlink() or not path.is_file():
            continue
        if path.stat().st_size > FILE_BYTES_MAX:
            _log.warning("%s is not served: it is larger than %d bytes", path.name, FILE_BYTES_MAX)
            continue
        body = path.read_bytes()
        files[path.relative_to(directory).as_posix()] = StaticFile(body, _content_type(path), digest_tag(body))
    return files


def _content_type(path: Path) -> str:
    kind = {
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".webmanifest": "application/manifest+json",
        ".woff2": "font/woff2",
    }
    guessed = kind.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{guessed}; charset=utf-8" if guessed.startswith("text/") else guessed


def _stamp(index: Path) -> tuple[int, int] | None:
    try:
        found = index.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
