"""Signed notes of c2sp.org/signed-note, with Ed25519 (0x01) and timestamped cosignatures (0x04). Pure. SPEC.md 10.

    <text, one or more lines>
    <empty line>
    U+2014 <key name> <base64 of 4-byte key ID || signature>      one or more of these lines

Signatures by unknown keys are ignored. A signature by a known key that does not verify condemns the whole note.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, Self

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey as Ed25519SigningKey
from nacl.signing import VerifyKey as Ed25519VerifyKey

from ledger.errors import NoteError
from ledger.grammar import decode_base64, encode_base64

NOTE_BYTES_MAX = 65_536
SIGNATURES_MAX = 100
ED25519 = 0x01
COSIGNATURE = 0x04

_KEY_BYTES = 32
_KEY_ID_BYTES = 4
_TIME_BYTES = 8
_DASH = "\u2014 "
_matches_key_id = re.compile(r"[0-9a-f]{8}", re.ASCII).fullmatch
_finds_control = re.compile(r"[\x00-\x09\x0b-\x1f]").search


class SignatureMissing(NoteError):
    """The note is well-formed and carries no signature by any of the keys asked for."""

    code = "signature-missing"


class SignatureInvalid(NoteError):
    """A signature that names a key asked for does not verify."""

    code = "signature-invalid"


class Signature(NamedTuple):
    """One signature line, read and not verified; `data` is what follows the key ID."""

    name: str
    key_id: bytes
    data: bytes


class Opened(NamedTuple):
    """A note's text, its final line feed included, and the names of the keys whose signatures were verified."""

    text: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A public key with its name. `algorithm` is ED25519 or COSIGNATURE; `key` is 32 bytes."""

    name: str
    key: bytes
    algorithm: int = ED25519
    key_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.algorithm not in (ED25519, COSIGNATURE) or len(self.key) != _KEY_BYTES:
            raise NoteError(f"key {self.name[:80]!r} is not Ed25519 of type 01 or 04 with {_KEY_BYTES} bytes")
        named = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.key
        object.__setattr__(self, "key_id", sha256(named).digest()[:_KEY_ID_BYTES])

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Reads `<name>+<8 hex digits>+<base64>`; NoteError unless it is exactly the text `.vkey` writes."""
        name, _, rest = vkey.partition("+")
        key_id, _, data64 = rest.partition("+")
        try:
            data = decode_base64(data64)
        except ValueError as error:
            raise NoteError(f"key {vkey[:120]!r} is not <name>+<8 hex digits>+<base64>: {error}") from error
        key = cls(name, data[1:], data[0] if data else 0)
        if not _matches_key_id(key_id) or key.key_id.hex() != key_id:
            raise NoteError(f"key {name[:80]!r} has the ID {key.key_id.hex()}, not {key_id[:16]!r}")
        return key

    @property
    def vkey(self) -> str:
        """The key's text form."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.algorithm]) + self.key)}"

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether `signature` (without key ID) is this key's over `text`."""
        message = text.encode()
        if self.algorithm == COSIGNATURE:
            time, signature = signature[:_TIME_BYTES], signature[_TIME_BYTES:]
            message = f"cosignature/v1\ntime {int.from_bytes(time, 'big')}\n".encode() + message
        try:
            Ed25519VerifyKey(self.key).verify(message, signature)
        except (CryptoError, ValueError):  # libsodium also refuses S >= L, small-order and non-canonical points
            return False
        return True


class SigningKey:
    """An Ed25519 key that signs notes under `name`. Holds the secret; never printed, never compared."""

    __slots__ = ("_key", "verify_key")

    def __init__(self, name: str, seed32: bytes) -> None:
        """From a 32-byte seed; NoteError when the name is not a key name or the seed has another length."""
        if len(seed32) != _KEY_BYTES:
            raise NoteError(f"the seed of key {name[:80]!r} has {len(seed32)} bytes, not {_KEY_BYTES}")
        self._key = Ed25519SigningKey(seed32)
        self.verify_key = VerifyKey(name, bytes(self._key.verify_key))

    @property
    def name(self) -> str:
        """The key's name; the origin, for a log's key."""
        return self.verify_key.name

    @property
    def vkey(self) -> str:
        """The public key's text form."""
        return self.verify_key.vkey

    def sign(self, text: str) -> str:
        """The note: `text`, an empty line, this key's signature line. NoteError for text that no note may hold."""
        return f"{text}\n{self.line(text)}"

    def line(self, text: str) -> str:
        """This key's signature line over `text`, to stand under those of other keys."""
        check_text(text)
        return format_line(Signature(self.name, self.verify_key.key_id, self.signature(text)))

    def signature(self, text: str) -> bytes:
        """The 64 bytes of this key's signature over `text`, as `VerifyKey.verifies` takes them."""
        return self._key.sign(text.encode()).signature


def open(note: str | bytes, keys: Iterable[VerifyKey]) -> Opened:  # noqa: A001 - the word of C2SP; callers say note.open
    """Reads a note and verifies what `keys` signed.

    SignatureMissing if none of them did, SignatureInvalid if one of their signatures is wrong, NoteError if the note
    is malformed, too long, or carries more than 100 signatures.
    """
    text, signatures = split(note)
    known = {(key.name, key.key_id): key for key in keys}
    names: list[str] = []
    for name, key_id, signature in signatures:
        key = known.get((name, key_id))
        if key is None:
            continue
        if not key.verifies(text, signature):
            raise SignatureInvalid(f"the signature by {name[:80]} ({key_id.hex()}) does not verify")
        if name not in names:
            names.append(name)
    if not names:
        wanted = ", ".join(f"{key.name[:80]} ({key.key_id.hex()})" for key in known.values())
        raise SignatureMissing(f"the note carries no signature by {wanted or 'any key, for none was given'}")
    return Opened(text, tuple(names))


def split(note: str | bytes) -> tuple[str, list[Signature]]:
    """The signed text and the signatures under it, none of them verified. NoteError if it is no note."""
    try:
        decoded = note.decode() if isinstance(note, bytes) else note
        size = len(decoded.encode())
    except UnicodeError as error:
        raise NoteError(f"the note is not UTF-8: {error}") from error
    if size > NOTE_BYTES_MAX:
        raise NoteError(f"the note has {size} bytes, at most {NOTE_BYTES_MAX}")
    # The last empty line: text may hold empty lines of its own, signatures never.
    text, separator, tail = decoded.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise NoteError("the note is not text, an empty line and signature lines, each ended by a line feed")
    text += "\n"
    check_text(text)
    lines = tail[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise NoteError(f"the note carries {len(lines)} signatures, at most {SIGNATURES_MAX}")
    return text, [_signature(line) for line in lines]


def format_line(signature: Signature) -> str:
    """The signature as its line, the line feed included."""
    return f"{_DASH}{signature.name} {encode_base64(signature.key_id + signature.data)}\n"


def _signature(line: str) -> Signature:
    name, _, data64 = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH):
        raise NoteError(f"{line[:120]!r} is no signature line: those begin with U+2014 and a space")
    try:
        data = decode_base64(data64)
    except ValueError as error:
        raise NoteError(f"{line[:120]!r} is no signature line: {error}") from error
    _check_name(name)
    if len(data) <= _KEY_ID_BYTES:
        raise NoteError(f"the signature by {name[:80]} has {len(data)} bytes, key ID included")
    return Signature(name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


def check_text(text: str) -> None:
    """Returns if a note may hold `text`; else NoteError."""
    if not text.endswith("\n"):
        raise NoteError("a note's text ends with a line feed")
    if control := _finds_control(text):
        raise NoteError(f"a note's text holds no control character such as U+{ord(control[0]):04X}")


def _check_name(name: str) -> None:
    if not name or "+" in name or any(c.isspace() or c < " " or "\ud800" <= c <= "\udfff" for c in name):
        raise NoteError(f"key name {name[:80]!r} is empty or holds a space, a control character, a surrogate or '+'")
