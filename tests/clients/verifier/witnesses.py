"""Witnesses of tests: they cosign as c2sp.org/tlog-cosignature says."""

from __future__ import annotations

from dataclasses import dataclass

from nacl.signing import SigningKey as Ed25519

from ledger.grammar import encode_base64
from ledger.note import COSIGNATURE, VerifyKey


@dataclass(frozen=True)
class Witness:
    """One with a key of its own, made from one byte."""

    name: str
    seed: int

    @property
    def vkey(self) -> str:
        """What a reader pins."""
        return VerifyKey(self.name, bytes(self._key.verify_key), COSIGNATURE).vkey

    @property
    def _key(self) -> Ed25519:
        return Ed25519(bytes([self.seed]) * 32)

    def cosign(self, note: str, seconds: float) -> str:
        """The note with this witness's line below it, made at that time."""
        text = note.rpartition("\n\n")[0] + "\n"
        signed = self._key.sign(f"cosignature/v1\ntime {int(seconds)}\n{text}".encode()).signature
        key = VerifyKey(self.name, bytes(self._key.verify_key), COSIGNATURE)
        return f"{note}\u2014 {self.name} {encode_base64(key.key_id + int(seconds).to_bytes(8, 'big') + signed)}\n"
