"""Reading just enough of a provider's notice to file it: which event, what type, about which payment. Pure.

A notice is what Stripe calls an event. A genuine body that cannot be read is still filed, under its own digest, so that
nothing the provider signed is ever thrown away.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import orjson

MALFORMED = "malformed"
ID_LEN_MAX = 255

_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)
_TYPE = re.compile(r"[a-z0-9_.\[\]]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Notice:
    """How a notice is filed. `key` is unique per event; rows of one `subject` are worked in order of arrival."""

    key: bytes
    type: str
    subject: str | None
    livemode: bool | None


def read(body: bytes) -> Notice:
    """Return how to file `body`; never raises. Unreadable bodies have type `malformed` and no subject."""
    event = _load(body)
    event_id, event_type = event.get("id"), event.get("type")
    if not _is_match(_ID, event_id) or not _is_match(_TYPE, event_type):
        return Notice(hashlib.sha256(body).digest(), MALFORMED, None, None)
    livemode = event.get("livemode")
    return Notice(
        key=hashlib.sha256(f"stripe\n{event_id}".encode()).digest(),
        type=str(event_type),
        subject=_subject(event),
        livemode=livemode if isinstance(livemode, bool) else None,
    )


def reference(value: object) -> str | None:
    """Return the id that `value` is, or that the expanded object in its place has; None when there is neither."""
    if isinstance(value, dict):
        value = value.get("id")
    return str(value) if _is_match(_ID, value) else None


def _load(body: bytes) -> dict[str, object]:
    try:
        event = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return event if isinstance(event, dict) else {}


def _subject(event: dict[str, object]) -> str | None:
    """Return the payment an event is about, so that everything about one payment stands in one queue."""
    data = event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    if not isinstance(thing, dict):
        return None
    for candidate in (thing.get("payment_intent"), thing.get("charge"), thing.get("id")):
        if found := reference(candidate):
            return found
    return None


def _is_match(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
