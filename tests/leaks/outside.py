"""Everything a stranger can get out of a running service, as bytes: asked for as its own description says, and beyond.

Every GET of the OpenAPI document is asked with every value that is known for its parameters. A route with a parameter
that nobody taught this module fails, so that no new route is left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import itertools
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from ledger import tiles
from tests.leaks.scan import Exposed

GZIP: Final = b"\x1f\x8b"
SUBPROTOCOL: Final = "rt.v1.json"
OTHER_METHODS: Final = ("HEAD", "OPTIONS", "POST", "PUT", "DELETE")
FROM_ELSEWHERE: Final = {"Accept-Encoding": "identity", "X-Forwarded-For": "203.0.113.9"}
"""A forwarded request is nobody's on this machine, so nothing is answered that is for the operator."""
_SOCKET_TIMEOUT_S: Final = 20.0
_ASSET: Final = re.compile(r'(?:src|href)="(/[^"/][^"]*)"')
_PAGES_MAX: Final = 10_000

Json = dict[str, Any]


@dataclass
class Stranger:
    """Somebody without a login at the service at `address`. `seen` is all that was answered."""

    session: aiohttp.ClientSession
    address: str
    seen: list[Exposed] = field(default_factory=list)

    async def ask(self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> bytes:
        """One request; status line, headers and body of its answer are seen."""
        wanted = f"{self.address}{path}"
        sent = FROM_ELSEWHERE if headers is None else headers
        async with self.session.request(method, wanted, headers=sent, allow_redirects=False) as answer:
            body = await answer.read()
            head = "\r\n".join([f"{answer.status} {answer.reason}", *(f"{k}: {v}" for k, v in answer.headers.items())])
        inner = list(unpacked(f"{method} {path}", body))
        self.seen += [Exposed(f"{method} {path}", head.encode() + b"\r\n\r\n" + (b"" if inner else body)), *inner]
        return body

    async def look(self) -> None:
        """Ask for everything."""
        document: Json = json.loads(await self.ask("/openapi.json"))
        values = await self._values()
        for path, operations in document["paths"].items():
            for method in OTHER_METHODS:
                await self.ask(path.replace("{", "").replace("}", ""), method)
            if "get" in operations:
                await self._ask_all(path, operations["get"].get("parameters", []), values)
                await self._ask_all(path.replace("/api/v1/", "/api/transparency/"), [], values)
        await self._pages()
        await self.listen()
        await self.stumble()

    async def _values(self) -> Mapping[str, Iterable[str]]:
        """What can be asked for: everything that the public log itself names."""
        size = int((await self.ask("/ledger/checkpoint")).split(b"\n")[1])
        entries = [json.loads(entry) for entry in await self._entries(size)]
        postings = [posting for entry in entries for posting in entry["postings"]]
        accounts = {posting["account"] for posting in postings}
        problems = (await self.ask("/problems")).decode()
        positions = [str(position) for position in range(size)]
        sizes = [str(n) for n in sorted({1, size // 2 or 1, size})]
        decades = [f"1{'0' * zeros}" for zeros in range(13)]
        return {
            "position": [*positions, str(size), "-1", "x"],
            "path": list(_tile_paths(size)),
            "slug": re.findall(r"/problems/([a-z0-9-]+)", problems),
            "q": ["general", "rent", "gift", "help", "e", "%", "nobody"],
            "limit": ["1", "200", "0", "201"],
            "before": ["x", "%00"],
            "after": ["x"],
            "fund": sorted({posting["fund"] for posting in postings}),
            "category": sorted(accounts | {account.partition(":")[0] for account in accounts}),
            "type": sorted({entry["type"] for entry in entries}),
            "period": sorted({entry["period"] for entry in entries}),
            "asset": sorted({posting["asset"] for posting in postings}),
            "amount_from": decades,
            "amount_below": decades,
            "from": sizes,
            "to": sizes,
            "at": sizes,
        }

    async def _entries(self, size: int) -> list[bytes]:
        found: list[bytes] = []
        for path in _tile_paths(size):
            if path.startswith("entries/"):
                found += tiles.decode_bundle(await self.ask(f"/ledger/tile/{path}"))
        return found

    async def _ask_all(self, path: str, parameters: list[Json], values: Mapping[str, Iterable[str]]) -> None:
        """The path with each value of each parameter, and with two together where both are needed."""
        values = {**values, **_listed(parameters)}
        unknown = [parameter["name"] for parameter in parameters if parameter["name"] not in values]
        assert not unknown, f"GET {path} takes {unknown}: teach tests/leaks/outside.py what to ask for"
        in_path = [parameter["name"] for parameter in parameters if parameter["in"] == "path"]
        needed = [p["name"] for p in parameters if p["in"] == "query" and p.get("required")]
        others = [p["name"] for p in parameters if p["in"] == "query" and not p.get("required")]
        for chosen in itertools.product(*(values[name] for name in (*in_path, *needed))):
            filled = path
            for name, value in zip(in_path, chosen, strict=False):
                filled = filled.replace(f"{{{name}}}", value)
            query = [f"{name}={value}" for name, value in zip(needed, chosen[len(in_path) :], strict=True)]
            await self._follow(filled, query)
            for name in others:
                for value in values[name]:
                    await self._follow(filled, [*query, f"{name}={value}"])

    async def _follow(self, path: str, query: list[str]) -> None:
        """A page, and all that come after it."""
        following: list[str] = []
        for _ in range(_PAGES_MAX):
            body = await self.ask("?".join(filter(None, (path, "&".join([*query, *following])))))
            cursor = _cursor(body)
            if cursor is None or any(part.startswith(("before=", "after=", "limit=")) for part in query):
                return
            following = ["limit=200", f"before={cursor}"]

    async def _pages(self) -> None:
        """The page people use, with everything it loads, and addresses where files are often left lying."""
        page = (await self.ask("/")).decode()
        for path in ("/index.html", *_ASSET.findall(page), "/favicon.ico", "/robots.txt", "/.env", "/.git/config"):
            await self.ask(path)
        for name in ("verify.py", "openapi.yaml", "debug", "admin", "books", "api/v1/gifts", "api/v1/inbox"):
            await self.ask(f"/{name}")

    async def listen(self) -> None:
        """A socket without a token: the whole log from its start, and every channel that might exist."""
        size = int((await self.ask("/ledger/checkpoint")).split(b"\n")[1])
        frames: list[str] = []
        async with (
            asyncio.timeout(_SOCKET_TIMEOUT_S),
            self.session.ws_connect(
                f"{self.address}/v1/ws", protocols=(SUBPROTOCOL,), headers=FROM_ELSEWHERE
            ) as socket,
        ):
            await socket.send_json({"t": "hello", "v": 1, "client": {"name": "stranger", "ver": "1"}})
            await socket.send_json({"t": "sub", "id": 1, "s": "ledger", "from": "start", "credit": 64})
            for number, channel in enumerate(("books", "audit", "ops", "gifts:1", "presence:ledger"), 2):
                await socket.send_json({"t": "sub", "id": number, "s": channel, "from": "start"})
            await socket.send_json({"t": "ping", "ts": 7})
            async for message in socket:
                frames.append(str(message.data))
                heard = json.loads(message.data)
                if heard["t"] == "ev" and heard["p"] >= size - 1:
                    break
        self.seen.append(Exposed("websocket", "\n".join(frames).encode()))

    async def stumble(self) -> None:
        """Requests that are wrong in every way: what is said of them is seen too."""
        for path in ("/%00", "/%ff", "/..%2f..%2fetc/passwd", "/api/v1/ledger?x=1", "/api/v1/ledger?limit=1&limit=2"):
            await self.ask(path)
        await self.ask("/api/v1/webhooks/stripe", "POST")
        await self.ask("/api/v1/ledger", headers={**FROM_ELSEWHERE, "If-None-Match": '"size-1"', "Range": "bytes=0-1"})
        for name in ("/auditor/books/checkpoint", "/metrics", "/status"):
            await self.ask(name, headers={**FROM_ELSEWHERE, "Authorization": "Bearer x"})

    async def tempt(self, words: Iterable[str]) -> None:
        """Send private words wherever a careless service would write them down; the answers echo them and are nobody's.

        Only logs and metrics have to be looked at afterwards.
        """
        seen = len(self.seen)
        for word in words:
            path = quote(word, safe="")
            sent = {"User-Agent": path, "Referer": f"https://{path}", "Cookie": f"who={path}", "X-Request-Id": path}
            headers = {**FROM_ELSEWHERE, **sent, "Authorization": f"Bearer {path}", "Idempotency-Key": path}
            for place in (
                f"/{path}",
                f"/api/v1/ledger?fund={path}",
                f"/api/v1/ledger/entries/{path}",
                f"/ledger/tile/{path}",
            ):
                await self.ask(place, headers=headers)
                await self.ask(place, "POST", headers=headers)
            async with self.session.ws_connect(f"{self.address}/v1/ws", protocols=(SUBPROTOCOL,)) as socket:
                await socket.send_json({"t": "hello", "v": 1, "token": word, "client": {"name": word[:16], "ver": "1"}})
                await socket.receive()
            async with self.session.ws_connect(f"{self.address}/v1/ws", protocols=(SUBPROTOCOL,)) as socket:
                await socket.send_str(word)
                await socket.receive()
        del self.seen[seen:]


def unpacked(where: str, data: bytes) -> Iterator[Exposed]:
    """What is packed in it, however deep: whatever compresses would hide a leak from whoever looks for its bytes."""
    inner: list[tuple[str, bytes]] = []
    if data.startswith(GZIP):
        inner.append((f"{where} unzipped", gzip.decompress(data)))
    with contextlib.suppress(tarfile.ReadError), tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            file = archive.extractfile(member)
            inner.append((f"{where} member {member.name}", b"" if file is None else file.read()))
    for name, content in inner:
        deeper = list(unpacked(name, content))
        yield from deeper or [Exposed(name, content)]


def _listed(parameters: list[Json]) -> dict[str, list[str]]:
    """The values of parameters whose description lists them."""
    found = {}
    for parameter in parameters:
        schemas = [parameter["schema"], *parameter["schema"].get("anyOf", [])]
        listed = [str(value) for schema in schemas for value in (*schema.get("enum", ()), schema.get("const")) if value]
        if listed:
            found[parameter["name"]] = listed
    return found


def _cursor(body: bytes) -> str | None:
    if not body.startswith(b"{"):
        return None
    answer = json.loads(body)
    found = answer.get("next") if isinstance(answer, dict) else None
    return found if isinstance(found, str) else None


def _tile_paths(size: int) -> Iterator[str]:
    """Every tile and bundle of a tree of this size, full and partial, and one that is not there."""
    level, width = 0, size
    while width:
        for n in range(-(-width // tiles.TILE_WIDTH)):
            part = min(tiles.TILE_WIDTH, width - n * tiles.TILE_WIDTH)
            yield tiles.path(level, n, part).removeprefix("tile/")
            if level == 0:
                yield tiles.entries_path(n, part).removeprefix("tile/")
        level, width = level + 1, width // tiles.TILE_WIDTH
    yield tiles.path(0, 4_095, tiles.TILE_WIDTH).removeprefix("tile/")
