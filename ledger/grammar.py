r"""The alphabet of the ledger: what a name, a month, an amount or a hash may look like in bytes. Pure. SPEC.md 3.

Every pattern is ASCII and matches a whole string: `matches_fund("rent\n")` is None. Base64 is RFC 4648 section 4,
padded and canonical: each byte string has exactly one text, so no second spelling of an entry, key or proof exists.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable

from ledger.errors import EntryError

INT_MAX = 2**53 - 1
"""Largest integer that every JSON reader keeps exactly; also the largest position and size."""

HASH_BYTES = 32

DEPTH_MAX = 4
"""Nesting of an entry, the entry's own object being 1."""

BASE_ACCOUNTS = ("assets", "liabilities", "income", "expenses", "equity")
BOOKS_ACCOUNTS = ("points", "stock", "tokens", "entitlements", "uses", "budget")
"""Roots of accounts: the first in every log, the second in `books` only."""

_ROOTS = "|".join((*BASE_ACCOUNTS, *BOOKS_ACCOUNTS))

matches_key = re.compile(r"[a-z0-9_]+", re.ASCII).fullmatch
matches_dotted_key = re.compile(r"[a-z0-9_.]+", re.ASCII).fullmatch
matches_origin = re.compile(r"[a-z0-9][a-z0-9._~:/-]{0,199}", re.ASCII).fullmatch
matches_type = re.compile(r"[a-z]+\.[a-z_]+\.[a-z_]+\.v[1-9][0-9]*", re.ASCII).fullmatch
matches_month = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])", re.ASCII).fullmatch
matches_account = re.compile(rf"(?:{_ROOTS})(?::[a-z0-9_]+)+", re.ASCII).fullmatch
matches_asset = re.compile(r"[A-Z][A-Z0-9_:.-]{0,31}(?:/[0-9]{1,2})?", re.ASCII).fullmatch
matches_fund = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII).fullmatch
matches_amount = re.compile(r"-?[1-9][0-9]{0,30}", re.ASCII).fullmatch
matches_slug = re.compile(r"[a-z0-9_-]{1,64}", re.ASCII).fullmatch
matches_digest = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=", re.ASCII).fullmatch
matches_nonce = re.compile(r"[A-Za-z0-9+/]{21}[AQgw]==", re.ASCII).fullmatch
_matches_decimal = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII).fullmatch

# C0 but the line feed, DEL and C1, then what makes text read other than it is written: line and paragraph
# separators, directional marks, the byte order mark. Fixed ranges, not Unicode categories, which change by version.
finds_control = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
).search


def encode_base64(data: bytes) -> str:
    """Standard base64 with padding and without line breaks."""
    return b2a_base64(data, newline=False).decode("ascii")


def decode_base64(text: str) -> bytes:
    """The bytes of canonical standard base64; ValueError for anything else, stray bits and characters included."""
    try:
        data = a2b_base64(text, strict_mode=True)
    except (Base64Error, ValueError) as error:
        raise ValueError(f"not base64: {text[:80]!r}") from error
    if encode_base64(data) != text:
        raise ValueError(f"not canonical base64: {text[:80]!r}")
    return data


def decode_digest(text: str) -> bytes:
    """The 32 bytes of a hash in base64; ValueError for anything else."""
    if not matches_digest(text):
        raise ValueError(f"not the base64 of 32 bytes: {text[:80]!r}")
    return a2b_base64(text)


def decode_decimal(text: str) -> int:
    """A count or position in ASCII decimal, no sign, space, underscore or leading zero, up to 2^53-1; else ValueError.

    `int()` alone would take "+5", " 5", "1_0", "05" and digits of other scripts.
    """
    if not _matches_decimal(text) or (number := int(text)) > INT_MAX:
        raise ValueError(f"not a decimal number of 0..2^53-1: {text[:80]!r}")
    return number


def check_value(value: object, depth_left: int, key_matches: Callable[[str], object] = matches_key) -> None:
    """Returns if `value` may stand in canonical JSON, nested at most `depth_left` deep; else EntryError.

    Strings and integers need no depth, a list or object one and more.
    """
    kind = type(value)
    if kind is str:
        return
    if isinstance(value, int) and kind is int:
        if not -INT_MAX <= value <= INT_MAX:
            raise EntryError("entry-malformed", f"an integer of {value.bit_length()} bits is beyond 2^53-1")
        return
    if depth_left == 0:
        raise EntryError("entry-malformed", "nested too deeply")
    for item in _items(value, key_matches):
        if type(item) is not str:
            check_value(item, depth_left - 1, key_matches)


def _items(value: object, key_matches: Callable[[str], object]) -> Iterable[object]:
    """The values inside a list or object whose keys are good; EntryError for anything else."""
    if isinstance(value, list | tuple):
        return value
    if not isinstance(value, dict):
        shown = str(value)[:40]
        raise EntryError("entry-malformed", f"{shown!r} ({type(value).__name__}) is no string, integer, list or object")
    for key in value:
        if type(key) is not str or not key_matches(key):
            raise EntryError("entry-malformed", f"key {str(key)[:80]!r} is not of its form")
    return value.values()
