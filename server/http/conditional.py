"""Answers that a cache can ask about again: ETag, If-None-Match, 304, and gzip where the caller takes it."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Mapping

from aiohttp import ETag, web

GZIP_BYTES_MIN = 1_024
GZIP_INLINE_BYTES_MAX = 32_768
GZIP_LEVEL = 6

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"


def digest_tag(body: bytes) -> str:
    """An ETag value from the bytes themselves."""
    return hashlib.sha256(body).hexdigest()[:32]


def answer(  # noqa: PLR0913 - what an answer consists of
    request: web.Request,
    body: bytes,
    *,
    content_type: str,
    etag: str,
    cache_control: str,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """200 with the body, or 304 without it when the caller holds the representation that `etag` names."""
    all_headers = {**(headers or {}), "Cache-Control": cache_control}
    if matches(request, etag):
        response = web.Response(status=304, headers=all_headers)
    else:
        response = web.Response(body=body, headers={**all_headers, "Content-Type": content_type})
    response.etag = ETag(value=etag)
    return response


def matches(request: web.Request, etag: str) -> bool:
    """Weak comparison, as If-None-Match asks for (RFC 9110, 13.1.2)."""
    held = request.if_none_match
    return held is not None and any(tag.value in ("*", etag) for tag in held)


async def answer_compressed(
    request: web.Request, body: bytes, *, content_type: str, etag: str, cache_control: str
) -> web.Response:
    """As `answer`, gzipped when the caller takes gzip and it is worth it. Each encoding has an ETag of its own."""
    headers = {"Vary": "Accept-Encoding"}
    if len(body) >= GZIP_BYTES_MIN and takes_gzip(request.headers.get("Accept-Encoding", "")):
        etag = f"{etag}-gzip"
        if not matches(request, etag):
            body = await _compress(body)
            headers["Content-Encoding"] = "gzip"
    return answer(request, body, content_type=content_type, etag=etag, cache_control=cache_control, headers=headers)


def takes_gzip(accept_encoding: str) -> bool:
    """True when an Accept-Encoding header allows gzip: named (or `*`) with a weight above zero."""
    weights: dict[str, bool] = {}
    for item in accept_encoding.lower().split(","):
        coding, *parameters = (part.strip() for part in item.split(";"))
        weights[coding] = not any(_is_zero_weight(parameter) for parameter in parameters)
    return weights.get("gzip", weights.get("*", False))


def _is_zero_weight(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and value.strip().rstrip("0").rstrip(".") in ("", "0") and value.strip() != ""


async def _compress(body: bytes) -> bytes:
    # Time zero in the header: the same body is the same bytes for every cache.
    if len(body) <= GZIP_INLINE_BYTES_MAX:
        return gzip.compress(body, GZIP_LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, GZIP_LEVEL, mtime=0)
