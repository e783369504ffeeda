"""Entry v1 as bytes: the one encoder and the one strict reader. Pure. SPEC.md 2-7.

The bytes are RFC 8785 restricted so that sorted orjson is exact: ASCII keys, integers within +-(2^53-1), no floats,
no null, no booleans. What is stored is what was hashed; nothing is ever serialised again to be checked.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import orjson

from ledger import document
from ledger.errors import EntryError
from ledger.grammar import DEPTH_MAX, INT_MAX, matches_dotted_key, matches_key
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
    _check(value, _NESTING_MAX, matches_dotted_key if dotted_keys else matches_key)
    return _dump(value)


def encode_entry(entry: Entry) -> bytes:
    """The entry's bytes, judged as strictly as `parse_entry` judges them: what is written can be read for ever."""
    members = document.of_entry(entry)
    _check(members, DEPTH_MAX, matches_key)
    document.to_entry(members)
    data = _dump(members)
    if len(data) > ENTRY_BYTES_MAX:
        raise EntryError(
            "entry-too-large", f"{len(data)} bytes, at most {ENTRY_BYTES_MAX}"
        )
    return data


def parse_entry(data: bytes) -> Entry:
    """Reads and judges one entry by itself (SPEC.md 2-7); for no bytes does it raise anything but EntryError."""
    if len(data) > ENTRY_BYTES_MAX:
        raise EntryError(
            "entry-too-large", f"{len(data)} bytes, at most {ENTRY_BYTES_MAX}"
        )
    try:
        members = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise EntryError("entry-malformed", f"not JSON in UTF-8: {error}") from error
    if type(members) is not dict:
        raise EntryError(
            "entry-malformed", f"an entry is an object, not {type(members).__name__}"
        )
    _check(members, DEPTH_MAX, matches_key)
    if orjson.dumps(members, option=orjson.OPT_SORT_KEYS) != data:
        raise EntryError(
            "entry-not-canonical",
            "the bytes are not the canonical form of what they say",
        )
    return document.to_entry(members)


def _dump(value: object) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (
        orjson.JSONEncodeError
    ) as error:  # a lone surrogate: Python can hold it, UTF-8 cannot
        raise EntryError(
            "entry-malformed", f"cannot be written as JSON: {error}"
        ) from error


def _check(
    value: object, depth_left: int, key_matches: Callable[[str], object]
) -> None:
    """Returns if `value` may stand in canonical JSON, nested at most `depth_left` deep."""
    kind = type(value)
    if kind is str:
        return
    if isinstance(value, int) and kind is int:
        if not -INT_MAX <= value <= INT_MAX:
            raise EntryError(
                "entry-malformed",
                f"an integer of {value.bit_length()} bits is beyond 2^53-1",
            )
        return
    if depth_left == 0:
        raise EntryError("entry-malformed", "nested too deeply")
    if isinstance(value, dict):
        for key, item in value.items():
            if type(key) is not str or not key_matches(key):
                raise EntryError(
                    "entry-malformed", f"key {str(key)[:80]!r} is not of [a-z0-9_]"
                )
            if type(item) is not str:
                _check(item, depth_left - 1, key_matches)
    elif isinstance(value, list | tuple):
        for item in value:
            if type(item) is not str:
                _check(item, depth_left - 1, key_matches)
    else:
        shown = str(value)[:40]
        raise EntryError(
            "entry-malformed",
            f"{shown!r} ({kind.__name__}) is no string, integer, list or object",
        )
