"""What can go wrong in the process around the ledger. Each error carries its data and makes its own sentence.

ServerError
├── StartRefused            the process may not start as asked: one sentence, one remedy, exit code 2
├── TokenRefused            (identity/tokens.py) an access token is malformed, unsigned, expired or another service's
├── CursorRefused           (http/cursors.py) a list cursor was not made by this service
└── Problem                 (http/problems.py) the answer to a request is an RFC 9457 problem
The ledger's own errors: `ledger/errors.py`. The vault's: `vault/errors.py`.
"""

from __future__ import annotations


class ServerError(Exception):
    """Base of everything the process raises on purpose."""


class StartRefused(ServerError):
    """The process may not start as asked. `sentence` says what was found, `remedy` what to do; the exit code is 2."""

    exit_code = 2

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(f"{sentence} {remedy}".rstrip())
        self.sentence = sentence
        self.remedy = remedy
