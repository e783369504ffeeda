"""Opaque list cursors. Pure.

A cursor is a position, a version and a check over both and the list's name, in base64url. The check is no secret, for a
position in a public log is none; it makes a cursor of another list, or a mistyped one, an error instead of a wrong
page.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from server.errors import ServerError

VERSION = b"\x01"
CHECK_BYTES = 4
CURSOR_CHARS = 20
_BYTES = len(VERSION) + 8 + CHECK_BYTES


class CursorRefused(ServerError):
    """The text is not a cursor of the list it was given to."""

    def __init__(self, list_name: str) -> None:
        super().__init__(f"not a cursor of {list_name}: use the one in `next` of the page before, as it is")


def encode(list_name: str, position: int) -> str:
    """The cursor for what comes before `position` (0 … 2^63-1) in the list called `list_name`."""
    body = VERSION + position.to_bytes(8, "big")
    return base64.urlsafe_b64encode(body + _check(list_name, body)).rstrip(b"=").decode()


def decode(list_name: str, cursor: str) -> int:
    """The position in a cursor of this list. Raises CursorRefused for anything that `encode` did not make."""
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise CursorRefused(list_name) from None
    position = int.from_bytes(data[1:9], "big")
    if len(data) != _BYTES or position >= 2**63 or encode(list_name, position) != cursor:
        raise CursorRefused(list_name)
    return position


def _check(list_name: str, body: bytes) -> bytes:
    return hashlib.sha256(b"secondwind/cursor/v1\n" + list_name.encode() + b"\n" + body).digest()[:CHECK_BYTES]
