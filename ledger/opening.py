"""Openings as documents: what of an entry's private slots is shown, written and judged. Pure. SPEC.md 7.3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from ledger.errors import MalformedError
from ledger.grammar import decode_base64, encode_base64
from ledger.slots import SLOT_COUNTS, Opening, verify_opening
from ledger.types import Entry

FORMAT = "secondwind-opening-v1"
PATH_MAX = 8


def opening_line(origin: str, position: int, shown: Iterable[Opening]) -> bytes:
    """The opening of one entry as a line of JSON."""
    slots = [
        {
            "i": one.index,
            "name": one.name,
            "path": [encode_base64(h) for h in one.path],
            "salt": encode_base64(one.salt),
            "value": one.value,
        }
        for one in shown
    ]
    document = {"format": FORMAT, "log": origin, "position": position, "slots": slots}
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def read_opening(line: bytes) -> Mapping[str, Any]:
    """The members of an opening's line; its `position` is a number. MalformedError for anything else."""
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise MalformedError("an opening is not JSON") from None
    good = isinstance(document, dict) and document.get("format") == FORMAT and isinstance(document.get("slots"), list)
    if not good or type(document.get("position")) is not int:
        raise MalformedError(f"this is no opening ({FORMAT})")
    return document  # type: ignore[no-any-return]  # a dict, as was just said


def judge_opening(document: Mapping[str, Any], entry: Entry) -> None:
    """Return if everything that is shown was committed to by `entry`. MalformedError otherwise."""
    if entry.private_root is None:
        raise MalformedError(f"entry {entry.position} has no private slots")
    if document.get("log") != entry.log or document["position"] != entry.position:
        raise MalformedError(f"an opening is not of entry {entry.position} of {entry.log}")
    for slot in document["slots"]:
        try:
            path = tuple(decode_base64(h) for h in slot["path"])
            one = Opening(entry.type, slot["i"], slot["name"], slot["value"], decode_base64(slot["salt"]), path)
            if type(one.index) is not int or type(one.name) is not str:
                raise MalformedError(f"a slot of entry {entry.position} has no number or no name")
            if 1 << len(path[:PATH_MAX]) not in SLOT_COUNTS:
                raise MalformedError(f"a slot of entry {entry.position} has a path of {len(path)} hashes")
            # The hash covers number and name, so the path alone tells how many slots there are.
            verify_opening(one, 1 << len(path), entry.private_root)
        except (KeyError, TypeError, ValueError):
            raise MalformedError(f"a slot of entry {entry.position} is malformed") from None
