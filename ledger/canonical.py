"""Entry v1 as bytes: the one encoder and the one strict reader. Pure. SPEC.md 2-7.

The bytes are RFC 8785 restricted so that sorted orjson is exact: ASCII keys, integers within +-(2^53-1), no floats,
no null, no booleans. What is stored is what was hashed; nothing is ever serialised again to be checked.
"""

from __future__ import annotations

from hashlib import sha256

import orjson

from ledger import document
from ledger.errors import EntryError
from ledger.grammar import check_value, matches_dotted_key, matches_key
from ledger.times import format_at, parse_at
from ledger.types import Entry

__all__ = [
    "EMPTY_HASH",
    "ENTRY_BYTES_MAX",
    "encode",
    "encode_entry",
    "format_at",
    "leaf_hash",
    "parse_at",
    "parse_entry",
]

ENTRY_BYTES_MAX = 16_384
EMPTY_HASH = sha256(b"").digest()
"""`prev` of position 0."""

_NESTING_MAX = 32
"""Of values that are not entries (registry, policy, slots)."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data): the entry's hash in the tree and the next entry's `prev`."""
    return sha256(b"\x00" + data).digest()


def encode(value: object, *, dotted_keys: bool = False) -> bytes:
    """Canonical JSON of strings, integers, lists and objects.

    Keys are `[a-z0-9_]+`; with `dotted_keys` (the registry, keyed by type) also `.`.
    EntryError for floats, null, booleans, other keys, integers beyond 2^53-1 and nesting beyond 32.
    """
    check_value(value, _NESTING_MAX, matches_dotted_key if dotted_keys else matches_key)
    return _dump(value)


def encode_entry(entry: Entry) -> bytes:
    """The entry's bytes, judged as strictly as `parse_entry` judges them: what is written can be read for ever."""
    data = _dump(document.of_entry(entry))
    if len(data) > ENTRY_BYTES_MAX:
        raise EntryError("entry-too-large", f"{len(data)} bytes, at most {ENTRY_BYTES_MAX}")
    return data


def parse_entry(data: bytes) -> Entry:
    """Reads and judges one entry by itself (SPEC.md 2-7); for no bytes does it raise anything but EntryError."""
    if len(data) > ENTRY_BYTES_MAX:
        raise EntryError("entry-too-large", f"{len(data)} bytes, at most {ENTRY_BYTES_MAX}")
    try:
        members = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise EntryError("entry-malformed", f"not JSON in UTF-8: {error}") from error
    if type(members) is not dict:
        raise EntryError("entry-malformed", f"an entry is an object, not {type(members).__name__}")
    entry = document.to_entry(members)
    if orjson.dumps(members, option=orjson.OPT_SORT_KEYS) != data:
        raise EntryError("entry-not-canonical", "the bytes are not the canonical form of what they say")
    return entry


def _dump(value: object) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:  # a lone surrogate: Python can hold it, UTF-8 cannot
        raise EntryError("entry-malformed", f"cannot be written as JSON: {error}") from error
