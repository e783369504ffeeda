"""What a private value looks like when it leaks: itself, encoded, hashed without a key, or the beginning of that. Pure.

A form is looked for by its head, so whatever prefix of at least that length leaks is found, and by whole words where
the form is too short or too common to be found in the middle of something else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote, quote_plus

HEAD_BYTES: Final = 8
HEX_HEAD_BYTES: Final = 12
"""Eight hex digits are 32 bits: among millions of public ones that happens by chance. Shorter only as a whole word."""
ESCAPED_HEAD_BYTES: Final = 14
"""An escaped letter is up to six bytes: eight would be one letter and a bit."""

DIGESTS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "sha256 of a leaf": lambda data: hashlib.sha256(b"\x00" + data).digest(),
    "sha512": lambda data: hashlib.sha512(data).digest(),
    "sha1": lambda data: hashlib.sha1(data).digest(),  # noqa: S324 - what a leak may look like
    "md5": lambda data: hashlib.md5(data).digest(),  # noqa: S324 - what a leak may look like
    "blake2b": lambda data: hashlib.blake2b(data, digest_size=32).digest(),
}
_OF_RANDOM: Final = ("sha256", "sha256 of a leaf")
"""Nobody finds random bytes by guessing; these two hashes the ledger itself could have made of them by mistake."""

Search = Literal["exact", "folded", "hex", "word"]


@dataclass(frozen=True, slots=True)
class Private:
    """One thing that nobody outside may learn. `kind` says what it is: `e-mail`, `salt`, `hidden amount`.

    Text is looked for in either case; bytes and ids (`is_exact`) as they are. An amount is in minor units.
    """

    kind: str
    value: str | bytes | int
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """One look of a private value. `search` says how `data` is looked for, `least` how much of it is a leak."""

    name: str
    data: bytes
    search: Search
    least: int = HEAD_BYTES


def forms(private: Private) -> Iterator[Form]:
    """Every look of it. Some may be the same bytes under two names."""
    match private.value:
        case int(amount):
            yield from _amounts(amount)
        case bytes(data):
            yield Form("itself", data, "exact")
            yield from _coded("itself", data)
            yield from _hashed(data, _OF_RANDOM)
        case str(text):
            yield from _texts(text, "exact" if private.is_exact else "folded")


def _amounts(minor: int) -> Iterator[Form]:
    """As the ledger writes it, as people do; a number is a whole word or none."""
    yield Form("minor units", b"%d" % minor, "word")
    major = f"{minor // 100}.{minor % 100:02}"
    yield Form("decimal", major.encode(), "word")
    yield Form("with thousands", f"{minor // 100:,}.{minor % 100:02}".encode(), "word")
    yield Form("with a decimal comma", major.replace(".", ",").encode(), "word")


def _texts(text: str, search: Search) -> Iterator[Form]:
    spellings = {text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)}
    spellings |= {text.lower(), text.upper()} if search == "folded" else set()
    for spelling in sorted(spellings):
        written = {
            "itself": spelling,
            "in a URL": quote(spelling, safe=""),
            "in a form": quote_plus(spelling),
            "in JSON": json.dumps(spelling)[1:-1],
            "in HTML": html.escape(spelling),
            "in Python": ascii(spelling)[1:-1],
        }
        for name, word in written.items():
            least = ESCAPED_HEAD_BYTES if word.startswith(("\\", "%", "&")) else HEAD_BYTES
            yield Form(name, word.encode(), search if len(word.encode()) >= HEAD_BYTES else "word", least)
        data = spelling.encode()
        yield Form("in UTF-16", spelling.encode("utf-16-le"), "exact")
        yield from _coded("itself", data)
        yield from _hashed(data)
        if spelling.strip() != spelling:
            yield from _hashed(spelling.strip().encode())


def _hashed(data: bytes, names: Iterable[str] = DIGESTS) -> Iterator[Form]:
    for name in names:
        found = DIGESTS[name](data)
        yield Form(name, found, "exact")
        yield Form(f"{name} in base64", base64.b64encode(found), "exact")
        yield Form(f"{name} in base64url", base64.urlsafe_b64encode(found), "exact")
        yield Form(f"{name} in hex", found.hex().encode(), "hex", HEX_HEAD_BYTES)


def _coded(name: str, data: bytes) -> Iterator[Form]:
    """In hex, in base32 and in base64 also where it begins inside of something larger, at any of three offsets."""
    yield Form(f"{name} in hex", data.hex().encode(), "hex", HEX_HEAD_BYTES)
    yield Form(f"{name} in base32", base64.b32encode(data).rstrip(b"="), "exact")
    for alphabet, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
        for before in range(3):
            # The first characters hold bits of what stands before, and the last of what comes after.
            coded = encode(bytes(before) + data).rstrip(b"=")
            whole = coded[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]
            yield Form(f"{name} in {alphabet} at {before}", whole, "exact")
