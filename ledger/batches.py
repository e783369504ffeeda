"""Batch signatures: the writer's own key vouches for every batch (attacks A5).

Rows that somebody else put into the database have none, and are never signed. Pure but for the key it holds.
"""

from __future__ import annotations

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey as Ed25519Key
from nacl.signing import VerifyKey as Ed25519VerifyKey

from ledger.grammar import encode_base64

_TAG = "secondwind/batch/v1"


def statement(origin: str, epoch: int, first: int, last: int, last_leaf_hash: bytes) -> bytes:
    """Return the bytes that are signed for entries `first` to `last`, both included. SPEC.md 11."""
    return f"{_TAG}\n{origin}\n{epoch}\n{first}\n{last}\n{encode_base64(last_leaf_hash)}\n".encode()


class BatchKey:
    """The writer's signing key; Postgres does not hold it."""

    def __init__(self, seed32: bytes) -> None:
        self._key = Ed25519Key(seed32)
        self.public = bytes(self._key.verify_key)

    def sign(self, statement_bytes: bytes) -> bytes:
        """Return the 64-byte signature."""
        return bytes(self._key.sign(statement_bytes).signature)


def verifies(public: bytes, statement_bytes: bytes, signature: bytes) -> bool:
    """Whether `signature` over the statement was made with the key of `public`."""
    try:
        Ed25519VerifyKey(public).verify(statement_bytes, signature)
    except (BadSignatureError, ValueError):
        return False
    return True
