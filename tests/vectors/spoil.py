"""How the bad cases are made: a good next entry of a log, and one thing about it spoiled."""

from __future__ import annotations

from typing import Any

import orjson

from tests.vectors import logs
from tests.vectors.logs import LogMaker

AT = "2026-10-05T00:20:00.000000Z"
MISSING = object()
Case = tuple[str, bytes, str]
"""(name, bytes, code)"""


def dump(document: dict[str, Any]) -> bytes:
    """Canonical bytes, whatever they say."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def spoil(document: dict[str, Any], **members: Any) -> bytes:
    """The document with some members replaced, added or, with MISSING, left out."""
    return dump({name: value for name, value in {**document, **members}.items() if value is not MISSING})


def gift_of(log: LogMaker) -> dict[str, Any]:
    """Members of a gift that every rule would allow next in the public log."""
    gift = log.document(AT, logs.GIFT.name, {"via": "bank"})
    return {**gift, "postings": logs.postings("rent", 2500, 103), "private": log.documents[-1]["private"]}
