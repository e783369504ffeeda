"""Searching by words: what a reader typed becomes terms, and what an entry says in words of its own. Pure.

Most entries say nothing that their type, accounts and funds do not; those are searched by the names, through the lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ledger.types import Entry
from server.http.problems import INVALID_INPUT, shown

TERMS_MAX = 8
OWN_MEMBERS = ("category", "reason", "text", "title", "vendor")
"""Members of `data` that are words for people; the others are codes, keys and digests."""

_TERM = re.compile(r"[^\W_]+")
_JOINT = re.compile(r"[._:/-]+")


def terms(typed: str) -> list[str]:
    """What is looked for, in small letters. Raises a Problem where there is no word, and where there are too many."""
    found = list(dict.fromkeys(_TERM.findall(typed.lower())))
    if not found:
        raise INVALID_INPUT(f"q: there is no word in {shown(typed)}. Type one, as transport.", pointer="?q")
    if len(found) > TERMS_MAX:
        raise INVALID_INPUT(f"q: {len(found)} words are too many: leave {TERMS_MAX}.", pointer="?q")
    return found


def own_text(entry: Entry) -> str | None:
    """What to find an entry by that has words of its own, its names among them; None for the others."""
    said = [value for name in OWN_MEMBERS if isinstance(value := entry.data.get(name), str)]
    return " ".join([*(_JOINT.sub(" ", name) for name in _names(entry)), *map(_plain, said)]) if said else None


def _names(entry: Entry) -> Iterator[str]:
    yield entry.type
    for posting in entry.postings:
        yield from (posting.account, posting.fund)


def _plain(text: str) -> str:
    return _JOINT.sub(" ", text)
