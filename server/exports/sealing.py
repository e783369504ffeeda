"""Openings sealed to one auditor: a random key under the auditor's X25519 key, chunks under that one. EXPORT.md 9.

Only what an auditor holds opens it, so the file may lie wherever the export lies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256

from nacl import bindings
from nacl.bindings import crypto_secretstream_xchacha20poly1305_ABYTES as EXTRA_BYTES
from nacl.bindings import crypto_secretstream_xchacha20poly1305_HEADERBYTES as HEADER_BYTES
from nacl.bindings import crypto_secretstream_xchacha20poly1305_KEYBYTES as STREAM_KEY_BYTES
from nacl.bindings import crypto_secretstream_xchacha20poly1305_TAG_FINAL as FINAL
from nacl.bindings import crypto_secretstream_xchacha20poly1305_TAG_MESSAGE as MESSAGE
from nacl.exceptions import CryptoError

from ledger.errors import MalformedError

MAGIC = b"secondwind-openings-v1\n"
KEY_BYTES = 32
BOX_BYTES = STREAM_KEY_BYTES + bindings.crypto_box_SEALBYTES
CHUNK_BYTES = 1024 * 1024
LENGTH_BYTES = 4

Read = Callable[[int], bytes]
"""Gives the next bytes of a file, at most so many; fewer only at its end."""


def private_name(auditor: bytes) -> str:
    """The name of the member that is sealed to this public key."""
    return f"private/{sha256(auditor).hexdigest()[:32]}.bin"


def public_key(secret: bytes) -> bytes:
    """The X25519 public key of 32 secret bytes."""
    return bindings.crypto_scalarmult_base(secret)


def check_key(auditor: bytes) -> None:
    """Return if something can be sealed to this key; MalformedError otherwise."""
    _boxed(bytes(STREAM_KEY_BYTES), auditor)


def bound_to(origin: str, first: int, end: int) -> bytes:
    """Associated data of every chunk: it opens only as part of this range of this log."""
    return f"{origin}\n{first} {end}\n".encode()


class Sealer:
    """Seals what it is fed; each call returns what can be written by now, possibly nothing.

    MalformedError for a public key that is none: of another length, or one with which everybody could open it.
    """

    def __init__(self, auditor: bytes, associated: bytes) -> None:
        key = bindings.crypto_secretstream_xchacha20poly1305_keygen()
        box = _boxed(key, auditor)
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        header = bindings.crypto_secretstream_xchacha20poly1305_init_push(self._state, key)
        self._associated = associated
        self._begun = MAGIC + box + header
        self._held = bytearray()

    def feed(self, content: bytes) -> bytes:
        """Take more. What is held back is never more than a chunk."""
        self._held += content
        out, self._begun = self._begun, b""
        # A chunk goes out once something stands behind it: only the last one is marked final.
        while len(self._held) > CHUNK_BYTES:
            out += self._chunk(bytes(self._held[:CHUNK_BYTES]), MESSAGE)
            del self._held[:CHUNK_BYTES]
        return out

    def finish(self) -> bytes:
        """The last chunk; nothing may be fed afterwards."""
        return self._begun + self._chunk(bytes(self._held), FINAL)

    def _chunk(self, content: bytes, tag: int) -> bytes:
        sealed = bindings.crypto_secretstream_xchacha20poly1305_push(self._state, content, self._associated, tag)
        return len(sealed).to_bytes(LENGTH_BYTES, "big") + sealed


def unseal(read: Read, secret: bytes, associated: bytes) -> Iterator[bytes]:
    """The chunks of what was sealed. MalformedError for anything that is not exactly that, whole, for this key."""
    if _exactly(read, len(MAGIC)) != MAGIC:
        raise MalformedError("these are no sealed openings")
    box, header = _exactly(read, BOX_BYTES), _exactly(read, HEADER_BYTES)
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    try:
        key = bindings.crypto_box_seal_open(box, public_key(secret), secret)
        bindings.crypto_secretstream_xchacha20poly1305_init_pull(state, header, key)
    except (CryptoError, ValueError, RuntimeError):
        raise MalformedError("the openings are not sealed to this key") from None
    tag = MESSAGE
    while tag != FINAL:
        size = int.from_bytes(_exactly(read, LENGTH_BYTES), "big")
        if not EXTRA_BYTES <= size <= CHUNK_BYTES + EXTRA_BYTES:
            raise MalformedError(f"a chunk of {size} bytes is none of ours")
        try:
            content, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(state, _exactly(read, size), associated)
        except (CryptoError, ValueError, RuntimeError):
            raise MalformedError("the openings were changed, cut or moved to another range") from None
        if tag not in (MESSAGE, FINAL):
            raise MalformedError(f"a chunk is tagged {tag}")
        yield content
    if read(1):
        raise MalformedError("something follows the last opening")


def _boxed(key: bytes, auditor: bytes) -> bytes:
    try:
        return bindings.crypto_box_seal(key, auditor)
    except (CryptoError, ValueError, TypeError, RuntimeError):
        raise MalformedError(f"an X25519 public key has {KEY_BYTES} bytes and is not of small order") from None


def _exactly(read: Read, size: int) -> bytes:
    content = read(size)
    if len(content) != size:
        raise MalformedError("the openings end before their last chunk")
    return content
