"""Websocket frames as bytes, built once and written to every socket that wants them (RFC 6455 5.2). Pure.

Only what a server sends: unmasked, unfragmented text. Building one costs a microsecond; sending it a thousand times
then costs the system calls and nothing else.
"""

from __future__ import annotations

from functools import lru_cache

import orjson

from realtime.channels import Publication

_TEXT = 0x81
_SHORT = 126
_MEDIUM = 65_536


def text_frame(payload: bytes) -> bytes:
    """One final text frame."""
    length = len(payload)
    if length < _SHORT:
        return bytes((_TEXT, length)) + payload
    if length < _MEDIUM:
        return bytes((_TEXT, 126)) + length.to_bytes(2, "big") + payload
    return bytes((_TEXT, 127)) + length.to_bytes(8, "big") + payload


def message_frame(message: dict[str, object]) -> bytes:
    """One message as a frame."""
    return text_frame(orjson.dumps(message))


@lru_cache(maxsize=4096)
def event_frame(channel: str, publication: Publication) -> bytes:
    """One publication as an `ev`: the same bytes for every subscriber, live or catching up."""
    return message_frame(
        {
            "t": "ev",
            "s": channel,
            "p": publication.p,
            "after": publication.after,
            "d": publication.data.decode(),
        }
    )


def page_frames(channel: str, after: int, page: tuple[Publication, ...], top: int) -> bytes:
    """A catch-up page: its header, then its events, joined."""
    last = page[-1].p
    header = message_frame({"t": "cu", "s": channel, "from": after, "to": last, "more": last < top})
    return header + b"".join(event_frame(channel, publication) for publication in page)
