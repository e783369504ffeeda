"""Close codes and error codes, each defined once. Pure. PROTOCOL.md "Closing".

A client can act on the number alone: 4000-4099 do not come back unchanged, 4100-4199 come back after a pause,
4200-4299 come back at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class CloseCode:
    """Why a socket ends, and what the client does next."""

    code: int
    reason: str
    reconnect: Literal["no", "backoff", "now"]


BAD_PROTOCOL = CloseCode(4001, "bad protocol", "no")
FORBIDDEN = CloseCode(4003, "forbidden", "no")
TOO_MANY_VIOLATIONS = CloseCode(4029, "too many violations", "no")
TOKEN_EXPIRED = CloseCode(4101, "token expired", "backoff")
HELLO_TIMEOUT = CloseCode(4108, "no hello in time", "backoff")
TOO_SLOW = CloseCode(4113, "too slow", "backoff")
OVERLOAD = CloseCode(4120, "overload", "backoff")
DRAIN = CloseCode(4201, "this node is stopping", "now")

CLOSE_CODES = (
    BAD_PROTOCOL,
    FORBIDDEN,
    TOO_MANY_VIOLATIONS,
    TOKEN_EXPIRED,
    HELLO_TIMEOUT,
    TOO_SLOW,
    OVERLOAD,
    DRAIN,
)

# Codes of `err`: like HTTP's, so that nobody takes them for close codes.
BAD_REQUEST = 400
UNAUTHENTICATED = 401
NO_SUCH_CHANNEL = 404
CONFLICT = 409
TOO_LARGE = 413
TOO_MANY = 429
"""Answers to one message; the socket stays open."""
