"""What can go wrong on a socket. Each error makes its own sentence.

RealtimeError
└── MessageRefused      a client's message breaks the protocol; answered with `err`, and counted as a strike
"""

from __future__ import annotations


class RealtimeError(Exception):
    """Base of everything this package raises on purpose."""


class MessageRefused(RealtimeError):
    """A client's message breaks the protocol. `message_id` is its `id`, where it had a usable one."""

    def __init__(self, detail: str, message_id: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.message_id = message_id
