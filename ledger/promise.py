"""Promises to givers: what was booked will be public by a named time, or the promise proves that it is not. Pure.

SPEC.md 17; attacks A1, A2. A promise is a note signed by the log's promise key, for which a key of the log vouches in
another note. It goes to the giver alone. It names the entry of `books` by its hash, so that one gift fulfils one
promise, and the giver by the hash of the nonce made in the giver's browser, so that two givers promised the same gift
hold two notes which prove it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, get_args

from ledger import note, times
from ledger.errors import EntryError, NoteError
from ledger.grammar import (
    decode_digest,
    encode_base64,
    matches_amount,
    matches_asset,
    matches_fund,
    matches_origin,
)
from ledger.note import SigningKey, VerifyKey

FORMAT = "secondwind/promise/v1"
KEY_FORMAT = "secondwind/promise-key/v1"
_NONCE_TAG = b"secondwind/promise-nonce/v1\n"
_LINES = 7

Way = Literal["alone", "together"]
"""Published as an entry of its own, or in one that stands for several people."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised; NoteError for what cannot be.

    `log`: origin of the public log. `commitment`: leaf hash of the entry in `books`. `giver`: `giver_hash` of the
    nonce. `amount` is in minor units, as in postings. `not_later_us`: µs since 1970.
    """

    log: str
    way: Way
    commitment: bytes
    giver: bytes
    amount: str
    asset: str
    fund: str
    not_later_us: int

    def __post_init__(self) -> None:
        if not matches_origin(self.log) or self.way not in get_args(Way):
            raise NoteError(f"a promise of {self.log[:80]!r} to publish {self.way[:20]!r} is none")
        if not (matches_amount(self.amount) and matches_asset(self.asset) and matches_fund(self.fund)):
            raise NoteError(f"{self.amount[:40]!r} {self.asset[:40]!r} {self.fund[:40]!r} is no amount, asset and fund")
        if len(self.commitment) != len(self.giver) or len(self.giver) != sha256().digest_size:
            raise NoteError("a promise names entry and giver by hashes of 32 bytes")

    def text(self) -> str:
        """The seven lines that are signed."""
        hashes = f"{encode_base64(self.commitment)}\n{encode_base64(self.giver)}\n"
        money = f"{self.amount} {self.asset} {self.fund}\n"
        return f"{FORMAT}\n{self.log}\n{self.way}\n{hashes}{money}{times.format_at(self.not_later_us)}\n"


def parse(text: str) -> Promise:
    """Reads the seven lines strictly; NoteError for anything else."""
    lines = text.split("\n")
    if len(lines) != _LINES + 1 or lines[_LINES] or lines[0] != FORMAT:
        raise NoteError(f"a promise has {_LINES} lines that begin with {FORMAT!r}, not {text[:120]!r}")
    try:
        amount, asset, fund = lines[5].split(" ")
        commitment, giver = decode_digest(lines[3]), decode_digest(lines[4])
        way: Way = "alone" if lines[2] == "alone" else "together"
        promise = Promise(lines[1], way, commitment, giver, amount, asset, fund, times.parse_at(lines[6]))
    except (ValueError, EntryError) as error:
        raise NoteError(f"the promise is malformed: {error}") from error
    if promise.text() != text:
        raise NoteError(f"the promise is to publish {lines[2][:20]!r}, which is no way")
    return promise


def giver_hash(nonce: str) -> bytes:
    """What stands in a promise for the nonce that is printed on the receipt."""
    return sha256(_NONCE_TAG + nonce.encode()).digest()


def key_name(origin: str) -> str:
    """The name of the key that signs a log's promises."""
    return f"{origin}/promise"


def vouch(key: VerifyKey, by: SigningKey) -> str:
    """The note by which a key of the log vouches for its promise key."""
    return by.sign(_key_text(by.name, key.vkey))


def open(promise_note: str, key_note: str, keys: Iterable[VerifyKey]) -> Promise:  # noqa: A001 - as note.open
    """The promise that one of the log's `keys` vouches for, both notes verified; NoteError or a kind of it if not."""
    said = note.open(key_note, keys)
    origin, vkey = _told(said.text)
    if origin not in said.names:
        raise NoteError(f"{said.names[0][:80]!r} vouches for a promise key of {origin[:80]!r}")
    key = VerifyKey.parse(vkey)
    if key.algorithm != note.ED25519 or key.name != key_name(origin):
        raise NoteError(f"{vkey[:120]!r} is no promise key of {origin[:80]!r}")
    promise = parse(note.open(promise_note, [key]).text)
    if promise.log != origin:
        raise NoteError(f"the promise is of {promise.log[:80]!r}, its key is of {origin[:80]!r}")
    return promise


def _key_text(origin: str, vkey: str) -> str:
    return f"{KEY_FORMAT}\n{origin}\n{vkey}\n"


def _told(text: str) -> tuple[str, str]:
    lines = text.split("\n")
    if len(lines) != 4 or text != _key_text(lines[1], lines[2]):  # noqa: PLR2004 - three lines and what follows them
        raise NoteError(f"a promise key is vouched for in three lines that begin with {KEY_FORMAT!r}")
    return lines[1], lines[2]
