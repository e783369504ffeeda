"""Logs as JSON lines, or as text for people; and the one line that each request leaves.

A line names the route, not the path: positions, ids and whatever else stands in a path say who cares about what (B16),
and query strings and bodies never come near a log (D5). The client is a network, not an address. An exception leaves
the places it passed through and its class, not its message: messages quote values.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import orjson

LogFormat = Literal["json", "text"]
FRAMES_MAX = 12
CAUSES_MAX = 4
SERVER_ERROR = 500

_requests = logging.getLogger("secondwind.request")
_failures = logging.getLogger("secondwind.failure")


@dataclass(frozen=True, slots=True)
class RequestLine:
    """What is remembered of one request. `route` is the template, "-" where none matched."""

    request_id: str
    method: str
    route: str
    status: int
    duration_ms: float
    bytes: int
    client: str


def log_request(line: RequestLine) -> None:
    """One line for one request."""
    level = logging.WARNING if line.status >= SERVER_ERROR else logging.INFO
    message = f"{line.method} {line.route} {line.status} {line.duration_ms:.1f} ms {line.bytes} B"
    _requests.log(level, message, extra={"fields": asdict(line)})


def log_failure(request_id: str, route: str, error: BaseException) -> None:
    """An exception that became a 500, with the places it passed through."""
    fields = {"request_id": request_id, "route": route, "error": type(error).__name__, "where": where(error)}
    _failures.error("%s in %s", type(error).__name__, route, extra={"fields": fields})


def where(error: BaseException) -> list[str]:
    """The innermost places an exception and its causes passed through, as `file:line function`, without any value."""
    places: list[str] = []
    cause: BaseException | None = error
    for _ in range(CAUSES_MAX):
        if cause is None:
            break
        frames = traceback.extract_tb(cause.__traceback__)[-FRAMES_MAX:]
        places += [type(cause).__name__, *(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)]
        cause = cause.__cause__ or cause.__context__
    return places


class JSONFormatter(logging.Formatter):
    """One JSON object per line: at, level, logger, message and the record's `fields`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        fields = getattr(record, "fields", None)
        line: dict[str, object] = {
            "at": _at(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **(fields if isinstance(fields, Mapping) else {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["where"] = where(record.exc_info[1])
        return orjson.dumps(line, default=str).decode()


class TextFormatter(logging.Formatter):
    """One line for people; an exception adds its places below."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        fields = getattr(record, "fields", None)
        request_id = fields.get("request_id") if isinstance(fields, Mapping) else None
        places = fields.get("where") if isinstance(fields, Mapping) else None
        if places is None and record.exc_info and record.exc_info[1] is not None:
            places = where(record.exc_info[1])
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        suffix = f"  [{request_id}]" if request_id else ""
        head = f"{_at(record.created)[11:23]} {level}{record.getMessage()}{suffix}"
        return "\n    ".join([head, *(places or ())])


def formatter(log_format: LogFormat) -> logging.Formatter:
    """The formatter for `--log json` or `--log text`."""
    return JSONFormatter() if log_format == "json" else TextFormatter()


def _at(seconds: float) -> str:
    whole = int(seconds)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int((seconds - whole) * 1_000_000):06d}Z"
