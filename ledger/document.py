"""An entry between its JSON members and `types.Entry`: which members there are and what each may say. Pure. SPEC.md 3-7.

`canonical.py` owns the bytes; this module owns the members, both ways. Everything here judges one entry by itself;
what depends on the entries before it is `verify.py`.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

from ledger import postings
from ledger.errors import EntryError
from ledger.grammar import (
    INT_MAX,
    matches_amount,
    matches_digest,
    matches_month,
    matches_origin,
    matches_type,
)
from ledger.money import format_amount
from ledger.times import format_at, parse_at
from ledger.types import Entry, Phase, Posting

REFERS_TO_MAX = 32
PRIVATE_ALG = "slots1"

_REQUIRED = frozenset(
    ("at", "data", "log", "period", "position", "postings", "prev", "type", "v")
)
_MEMBERS = _REQUIRED | {"expires_at", "phase", "private", "refers_to"}
_POSTING_MEMBERS = {"account", "amount", "asset", "fund"}
_RESOLVING = ("posted", "voided", "expired")

Members = dict[str, Any]


def of_entry(entry: Entry) -> Members:
    """The JSON members of an entry; `to_entry` judges them."""
    members: Members = {
        "at": format_at(entry.at_us),
        "data": dict(entry.data),
        "log": entry.log,
        "period": entry.period,
        "position": entry.position,
        "postings": [
            {
                "account": p.account,
                "amount": format_amount(p.amount),
                "asset": p.asset,
                "fund": p.fund,
            }
            for p in entry.postings
        ],
        "prev": b64encode(entry.prev).decode(),
        "type": entry.type,
        "v": entry.v,
    }
    if entry.private_root is not None:
        members["private"] = {
            "alg": PRIVATE_ALG,
            "root": b64encode(entry.private_root).decode(),
        }
    if entry.phase is not None:
        members["phase"] = entry.phase
    if entry.expires_at_us is not None:
        members["expires_at"] = format_at(entry.expires_at_us)
    if entry.refers_to:
        members["refers_to"] = list(entry.refers_to)
    return members


def to_entry(members: Members) -> Entry:
    """Judges members already known to be canonical JSON and makes the entry; EntryError with the rule's code."""
    names = members.keys()
    if not _REQUIRED <= names or not names <= _MEMBERS:
        wrong = sorted(_REQUIRED - names) or sorted(names - _MEMBERS)
        raise EntryError(
            "entry-malformed", f"members missing or unknown: {', '.join(wrong)[:200]}"
        )
    if members["v"] != 1:
        raise EntryError(
            "entry-malformed", f"v is {str(members['v'])[:40]!r}, these rules are for 1"
        )
    if type(members["data"]) is not dict:
        raise EntryError("entry-malformed", "data is not an object")
    position = members["position"]
    if type(position) is not int or not 0 <= position <= INT_MAX:
        raise EntryError(
            "entry-malformed",
            f"position {str(position)[:40]!r} is not an integer of 0..2^53-1",
        )
    at_us = parse_at(_text(members, "at"))
    phase, expires_at_us = _phase(members, at_us)
    return Entry(
        log=_matching(members, "log", matches_origin),
        position=position,
        prev=b64decode(_matching(members, "prev", matches_digest)),
        at_us=at_us,
        period=_matching(members, "period", matches_month),
        type=_matching(members, "type", matches_type),
        data=members["data"],
        postings=_postings(members["postings"]),
        private_root=_private_root(members),
        phase=phase,
        expires_at_us=expires_at_us,
        refers_to=_refers_to(members, position),
    )


def _text(members: Members, name: str) -> str:
    value = members[name]
    if type(value) is not str:
        raise EntryError(
            "entry-malformed", f"{name} is {type(value).__name__}, not a string"
        )
    return value


def _matching(members: Members, name: str, matches: Callable[[str], object]) -> str:
    value = members[name]
    if type(value) is not str or not matches(value):
        raise EntryError(
            "entry-malformed", f"{name} {str(value)[:80]!r} is not of its form"
        )
    return value


def _postings(values: object) -> tuple[Posting, ...]:
    if type(values) is not list:
        raise EntryError("entry-malformed", "postings is not a list")
    if not values:
        return ()
    lines = []
    for i, value in enumerate(values):
        if type(value) is not dict or value.keys() != _POSTING_MEMBERS:
            raise EntryError(
                "entry-malformed",
                f"posting {i} is not an object of account, amount, asset and fund",
            )
        amount = value["amount"]
        if type(amount) is not str or not matches_amount(amount):
            raise EntryError(
                "entry-malformed",
                f"amount {str(amount)[:80]!r} of posting {i} is not of its form",
            )
        lines.append(
            Posting(value["account"], value["asset"], value["fund"], int(amount))
        )
    postings.check(lines)
    return tuple(lines)


def _private_root(members: Members) -> bytes | None:
    if "private" not in members:
        return None
    private = members["private"]
    if (
        type(private) is not dict
        or private.keys() != {"alg", "root"}
        or private["alg"] != PRIVATE_ALG
    ):
        raise EntryError(
            "entry-malformed",
            f"private is not an object of alg {PRIVATE_ALG!r} and root",
        )
    return b64decode(_matching(private, "root", matches_digest))


def _phase(members: Members, at_us: int) -> tuple[Phase | None, int | None]:
    expires_at_us = (
        parse_at(_text(members, "expires_at")) if "expires_at" in members else None
    )
    phase = _text(members, "phase") if "phase" in members else None
    if phase is not None and phase != "pending" and phase not in _RESOLVING:
        raise EntryError(
            "entry-malformed",
            f"phase {phase[:80]!r} is none of pending, posted, voided, expired",
        )
    if (phase == "pending") != (expires_at_us is not None):
        raise EntryError(
            "phase-invalid",
            "expires_at stands beside the phase pending, and only there",
        )
    if expires_at_us is not None and expires_at_us <= at_us:
        raise EntryError(
            "phase-invalid", f"expires_at {members['expires_at']} is not after at"
        )
    if phase in _RESOLVING and "refers_to" not in members:
        raise EntryError("phase-invalid", f"phase {phase} needs refers_to")
    return cast("Phase | None", phase), expires_at_us


def _refers_to(members: Members, position: int) -> tuple[int, ...]:
    if "refers_to" not in members:
        return ()
    refers_to = members["refers_to"]
    if type(refers_to) is not list or any(type(n) is not int for n in refers_to):
        raise EntryError("entry-malformed", "refers_to is not a list of positions")
    if not 1 <= len(refers_to) <= REFERS_TO_MAX:
        raise EntryError(
            "refers-invalid",
            f"refers_to names {len(refers_to)} positions, not 1..{REFERS_TO_MAX}",
        )
    if (
        refers_to[0] < 0
        or refers_to[-1] >= position
        or any(a >= b for a, b in pairwise(refers_to))
    ):
        raise EntryError(
            "refers-invalid", "refers_to is not a rising list of earlier positions"
        )
    return tuple(refers_to)
