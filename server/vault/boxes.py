"""Boxes: one key group's slots of one entry, sealed.

XChaCha20-Poly1305 twice: the content under a key of this entry alone, that key under the one it is wrapped by.
Associated data binds both to a log and a slot root (design/ledger.md 3).
"""

from __future__ import annotations

from collections.abc import Callable

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from ledger.slots import Group
from ledger.types import SealedBox
from server.vault.errors import Tampered
from server.vault.keystore import KEY_BYTES
from server.vault.subjects import WrappingKey

NONCE_BYTES = 24


def context(origin: str, root: bytes) -> bytes:
    """Associated data of slots: they open only in the log and under the root they were sealed for."""
    return b"secondwind/enc/v1\n" + origin.encode() + b"\n" + root


def seal(group: Group, by: WrappingKey, bound_to: bytes, plaintext: bytes, random: Callable[[int], bytes]) -> SealedBox:
    """Seal `plaintext` under a fresh key, wrapped by `by`. `random` returns that many random bytes."""
    entry_key, nonce, wrap_nonce = random(KEY_BYTES), random(NONCE_BYTES), random(NONCE_BYTES)
    wrapped = crypto_aead_xchacha20poly1305_ietf_encrypt(entry_key, bound_to, wrap_nonce, by.key)
    ciphertext = crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, bound_to, nonce, entry_key)
    return SealedBox(group, by.id, wrap_nonce + wrapped, nonce, ciphertext)


def unseal(box: SealedBox, key: bytes, bound_to: bytes) -> bytes:
    """Return what was sealed. Raises Tampered for a changed or moved box, and for another key."""
    wrap_nonce, wrapped = box.wrapped_key[:NONCE_BYTES], box.wrapped_key[NONCE_BYTES:]
    try:
        entry_key = crypto_aead_xchacha20poly1305_ietf_decrypt(wrapped, bound_to, wrap_nonce, key)
        return crypto_aead_xchacha20poly1305_ietf_decrypt(box.ciphertext, bound_to, box.nonce, entry_key)
    except (CryptoError, ValueError):  # the latter for what is shorter than its own seal
        raise Tampered(box.key_id) from None
