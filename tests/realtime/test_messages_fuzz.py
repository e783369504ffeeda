"""Whatever a client sends, the answer is a message or MessageRefused."""

from __future__ import annotations

import contextlib

import orjson
from hypothesis import given, settings

from realtime.errors import MessageRefused
from realtime.messages import parse
from tests.support.hostile import hostile, hostile_text

MESSAGES = tuple(
    orjson.dumps(message)
    for message in (
        {"t": "hello", "v": 1, "token": "x", "client": {"name": "page", "ver": "1"}},
        {"t": "sub", "id": 1, "s": "ledger", "from": {"e": "x", "p": 9}, "credit": 2},
        {"t": "sub", "id": 1, "s": "ledger", "from": "now"},
        {"t": "credit", "s": "ledger", "n": 2},
        {"t": "unsub", "id": 4294967295, "s": "ledger"},
        {"t": "auth", "id": 2, "token": "x"},
        {"t": "ping", "ts": 9007199254740991},
    )
)


@settings(max_examples=600, deadline=None)
@given(hostile(MESSAGES))
def test_bytes_are_a_message_or_refused(data: bytes) -> None:
    with contextlib.suppress(MessageRefused):
        assert parse(data).t in data.decode()


@settings(max_examples=600, deadline=None)
@given(hostile_text(MESSAGES))
def test_a_text_is_a_message_or_refused(text: str) -> None:
    with contextlib.suppress(MessageRefused):
        assert parse(text).t in text
