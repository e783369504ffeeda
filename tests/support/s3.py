"""A small S3 on loopback: GET, HEAD, conditional PUT, DELETE and listings, as the real one answers."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from xml.sax.saxutils import escape

from aiohttp import web

BUCKET = "charity"


@dataclass(slots=True)
class S3:
    """The bucket's objects. `fails` may answer any request with a status instead; `requests` is what came."""

    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    fails: Callable[[str, str], int | None] = lambda _method, _key: None
    environment: dict[str, str] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.Response:
        """One request of any kind."""
        _, _, key = request.path.removeprefix("/").partition("/")
        self.requests.append((request.method, key))
        if "AWS4-HMAC-SHA256" not in request.headers.get("Authorization", ""):
            return _error(403, "AccessDenied")
        if (status := self.fails(request.method, key)) is not None:
            return _error(status, "InternalError")
        if request.method == "PUT":
            return self._put(request, key, await request.read())
        if request.method in ("GET", "HEAD"):
            return self._get(key) if key else self._list(request.query.get("prefix", ""))
        return self._delete([key] if request.method == "DELETE" else _keys(await request.text()))

    def _put(self, request: web.Request, key: str, data: bytes) -> web.Response:
        held = self.objects.get(key)
        if request.headers.get("If-None-Match") == "*" and held is not None:
            return _error(412, "PreconditionFailed")
        if (wanted := request.headers.get("If-Match")) is not None:
            if held is None:
                return _error(404, "NoSuchKey")
            if etag(held) != wanted:
                return _error(412, "PreconditionFailed")
        self.objects[key] = data
        return web.Response(headers={"ETag": etag(data)})

    def _get(self, key: str) -> web.Response:
        data = self.objects.get(key)
        if data is None:
            return _error(404, "NoSuchKey")
        return web.Response(body=data, headers={"ETag": etag(data), "Last-Modified": formatdate(usegmt=True)})

    def _list(self, prefix: str) -> web.Response:
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>{escape(etag(data))}</ETag><Size>{len(data)}</Size></Contents>"
            for key, data in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        return _xml(f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>")

    def _delete(self, keys: list[str]) -> web.Response:
        for key in keys:
            self.objects.pop(key, None)
        return _xml(f"<DeleteResult>{''.join(f'<Deleted><Key>{key}</Key></Deleted>' for key in keys)}</DeleteResult>")


def etag(data: bytes) -> str:
    """What S3 calls an object's bytes."""
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


@contextlib.asynccontextmanager
async def running_s3() -> AsyncIterator[S3]:
    """The bucket, and in `environment` what a process needs to use it as `s3://charity/…`."""
    s3 = S3()
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", s3.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    s3.environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_REGION": "us-east-1",
    }
    try:
        yield s3
    finally:
        await runner.cleanup()


def _keys(text: str) -> list[str]:
    return [part.partition("</Key>")[0] for part in text.split("<Key>")[1:]]


def _error(status: int, code: str) -> web.Response:
    return _xml(f"<Error><Code>{code}</Code><Message>{code}</Message></Error>", status)


def _xml(text: str, status: int = 200) -> web.Response:
    return web.Response(
        text=f'<?xml version="1.0" encoding="UTF-8"?>{text}', status=status, content_type="application/xml"
    )
