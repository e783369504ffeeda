"""What an anchor commits to: the newest checkpoints of logs that are not public. Pure. SPEC.md 15; attacks A9, B12.

The nonce keeps anybody from guessing a note: an anchor tells neither how much another log grew nor that it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from ledger.types import LogName

NONCE_BYTES: Final = 32
TAG: Final = b"secondwind/anchor/v1\n"
ANCHORED: Final[tuple[LogName, ...]] = ("books", "audit")
"""Whose notes an anchor holds, in this order."""


def commitment(nonce: bytes, notes: Sequence[str]) -> bytes:
    """SHA-256(tag ‖ nonce ‖ each note after its length in 4 bytes, big-endian); 32 bytes.

    `notes` are whole signed notes in the order of `ANCHORED`, "" for a log without a checkpoint yet. Raises ValueError
    for a nonce of another length or another number of notes.
    """
    if len(nonce) != NONCE_BYTES or len(notes) != len(ANCHORED):
        message = f"an anchor has {NONCE_BYTES} bytes of nonce and {len(ANCHORED)} notes, not {len(nonce)}/{len(notes)}"
        raise ValueError(message)
    parts = (note.encode() for note in notes)
    return sha256(TAG + nonce + b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()
