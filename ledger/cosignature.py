"""Cosignatures of c2sp.org/tlog-cosignature: a witness says "so far, at this time". Pure. SPEC.md 10.5.

A witness that cosigns a checkpoint says that it is the largest it has seen of this log, and that all it cosigned
before are its beginning (attacks A3). The time is the witness's own, in whole seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from nacl.signing import SigningKey as Ed25519SigningKey

from ledger import note
from ledger.errors import NoteError
from ledger.grammar import INT_MAX
from ledger.note import COSIGNATURE, Signature, SignatureInvalid, VerifyKey

_SEED_BYTES = 32
_TIME_BYTES = 8
_BLOB_BYTES = _TIME_BYTES + 64


class Cosignature(NamedTuple):
    """A cosignature that was verified: by which key, when (s since 1970), and its line as it stands under a note."""

    key: VerifyKey
    time_s: int
    line: str


class Cosigner:
    """A witness's key. Holds the secret; never printed, never compared.

    It is a key of its own: the signature does not name who made it, so one key under two names would speak for both.
    """

    __slots__ = ("_key", "verify_key")

    def __init__(self, name: str, seed32: bytes) -> None:
        """From a 32-byte seed; NoteError when the name is not a key name or the seed has another length."""
        if len(seed32) != _SEED_BYTES:
            raise NoteError(f"the seed of witness {name[:80]!r} has {len(seed32)} bytes, not {_SEED_BYTES}")
        self._key = Ed25519SigningKey(seed32)
        self.verify_key = VerifyKey(name, bytes(self._key.verify_key), COSIGNATURE)

    @property
    def vkey(self) -> str:
        """The public key's text form."""
        return self.verify_key.vkey

    def line(self, text: str, time_s: int) -> str:
        """The signature line over a checkpoint's text. NoteError for text that no note holds, or a time before 1970."""
        note.check_text(text)
        if not 0 <= time_s <= INT_MAX:
            raise NoteError(f"{time_s} is no time of a cosignature: those are seconds since 1970")
        message = f"cosignature/v1\ntime {time_s}\n{text}"
        data = time_s.to_bytes(_TIME_BYTES, "big") + self._key.sign(message.encode()).signature
        return note.format_line(Signature(self.verify_key.name, self.verify_key.key_id, data))


def read(signed: str | bytes, keys: Iterable[VerifyKey]) -> list[Cosignature]:
    """The newest cosignature by each of `keys` that stands under the note; none is no error.

    NoteError for a malformed note, SignatureInvalid for a cosignature by one of `keys` that does not verify.
    """
    text, signatures = note.split(signed)
    known = {(key.name, key.key_id): key for key in keys if key.algorithm == COSIGNATURE}
    newest: dict[VerifyKey, Cosignature] = {}
    for signature in signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if len(signature.data) != _BLOB_BYTES or not key.verifies(text, signature.data):
            raise SignatureInvalid(f"the cosignature by {key.name[:80]} ({key.key_id.hex()}) does not verify")
        time_s = int.from_bytes(signature.data[:_TIME_BYTES], "big")
        if key not in newest or newest[key].time_s < time_s:
            newest[key] = Cosignature(key, time_s, note.format_line(signature))
    return list(newest.values())


def answered(text: str, answer: str, key: VerifyKey) -> Cosignature:
    """The cosignature over a checkpoint's `text` in what the witness `key` answered. NoteError or a kind of it if none.

    An answer is one signature line or more; those of keys that were not asked are ignored.
    """
    found = read(f"{text}\n{answer}", [key])
    if not found:
        raise note.SignatureMissing(f"the answer carries no cosignature by {key.name[:80]} ({key.key_id.hex()})")
    return found[0]
