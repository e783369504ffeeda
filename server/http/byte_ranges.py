"""Which part of an answer a caller asks for: one range of bytes (RFC 9110, 14). Pure.

Several ranges at once are answered with everything, as the standard allows: they help nobody resume, and have been used
to make servers work for nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

DIGITS_MAX = 18

_matches_range = re.compile(
    rf"bytes=[ \t]*([0-9]{{0,{DIGITS_MAX}}})-([0-9]{{0,{DIGITS_MAX}}})[ \t]*", re.ASCII
).fullmatch


class Unsatisfiable(ValueError):
    """The range lies behind the end: 416."""


class Span(NamedTuple):
    """Bytes `first` to `end - 1`."""

    first: int
    end: int

    def content_range(self, size: int) -> str:
        """The value of Content-Range."""
        return f"bytes {self.first}-{self.end - 1}/{size}"


def asked_span(header: str | None, size: int) -> Span | None:
    """The part that a Range header asks for; None for everything: no header, several ranges, or none of ours.

    Raises Unsatisfiable where nothing of `size` bytes lies in it.
    """
    found = _matches_range(header) if header is not None else None
    if found is None or found[0] == "" or not (found[1] or found[2]):
        return None
    if not found[1]:
        span = Span(max(0, size - int(found[2])), size)
    else:
        first, end = int(found[1]), int(found[2]) + 1 if found[2] else size
        if found[2] and end <= first:
            return None  # not a range at all, so it is as if nothing was asked
        span = Span(first, min(end, size))
    if span.first >= span.end:
        raise Unsatisfiable(f"{header} of {size} bytes")
    return span


def same_version(if_range: str | None, etag: str) -> bool:
    """Whether a part may be answered: no If-Range, or one with exactly this strong tag. Dates are never believed."""
    return if_range is None or if_range.strip() == f'"{etag}"'
