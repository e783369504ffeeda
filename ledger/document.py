"""An entry between its JSON members and `types.Entry`, and the rules an entry keeps by itself. Pure. SPEC.md 3-7.

`canonical.py` owns the bytes; this module owns the members, both ways. `judge` holds every rule that needs no other
entry, so that what is written and what is read are held to the same ones; the rest is `verify.py`.
"""

from __future__ import annotations

from binascii import a2b_base64
from itertools import pairwise
from typing import Any, cast

from ledger import postings
from ledger.errors import EntryError
from ledger.grammar import (
    DEPTH_MAX,
    HASH_BYTES,
    INT_MAX,
    check_value,
    encode_base64,
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

_REQUIRED = frozenset(("at", "data", "log", "period", "position", "postings", "prev", "type", "v"))
_MEMBERS = _REQUIRED | {"expires_at", "phase", "private", "refers_to"}
_POSTING_MEMBERS = {"account", "amount", "asset", "fund"}
_RESOLVING = ("posted", "voided", "expired")

Members = dict[str, Any]


def of_entry(entry: Entry) -> Members:
    """The JSON members of an entry that keeps every rule of its own; EntryError otherwise."""
    judge(entry)
    members: Members = {
        "at": format_at(entry.at_us),
        "data": entry.data,
        "log": entry.log,
        "period": entry.period,
        "position": entry.position,
        "postings": [
            {"account": p.account, "amount": format_amount(p.amount), "asset": p.asset, "fund": p.fund}
            for p in entry.postings
        ],
        "prev": encode_base64(entry.prev),
        "type": entry.type,
        "v": entry.v,
    }
    if entry.private_root is not None:
        members["private"] = {"alg": PRIVATE_ALG, "root": encode_base64(entry.private_root)}
    if entry.phase is not None:
        members["phase"] = entry.phase
    if entry.expires_at_us is not None:
        members["expires_at"] = format_at(entry.expires_at_us)
    if entry.refers_to:
        members["refers_to"] = list(entry.refers_to)
    return members


def to_entry(members: Members) -> Entry:
    """The entry that these members state, judged by itself; EntryError with the code of the rule they break."""
    names = members.keys()
    if not names >= _REQUIRED or not names <= _MEMBERS:
        wrong = sorted(_REQUIRED - names) or sorted(names - _MEMBERS)
        raise EntryError("entry-malformed", f"members missing or unknown: {', '.join(wrong)[:200]}")
    for name in ("log", "period", "type"):
        _text(members, name)
    if type(members["position"]) is not int or type(members["v"]) is not int:
        raise EntryError("entry-malformed", "position or v is not an integer")
    entry = Entry(
        log=members["log"],
        position=members["position"],
        prev=_digest(members, "prev"),
        at_us=parse_at(_text(members, "at")),
        period=members["period"],
        type=members["type"],
        data=members["data"],
        postings=_postings(members["postings"]),
        private_root=_private_root(members["private"]) if "private" in members else None,
        phase=cast("Phase", _text(members, "phase")) if "phase" in members else None,
        expires_at_us=parse_at(_text(members, "expires_at")) if "expires_at" in members else None,
        refers_to=_refers_to(members["refers_to"]) if "refers_to" in members else (),
        v=members["v"],
    )
    judge(entry)
    return entry


def judge(entry: Entry) -> None:
    """Returns if the entry keeps every rule that needs no other entry; EntryError otherwise."""
    if entry.v != 1:
        raise EntryError("entry-malformed", f"v is {entry.v}, these rules are for 1")
    if not 0 <= entry.position <= INT_MAX:
        raise EntryError("entry-malformed", "position is not of 0..2^53-1")
    for name, text, matches in (
        ("log", entry.log, matches_origin),
        ("period", entry.period, matches_month),
        ("type", entry.type, matches_type),
    ):
        if not matches(text):
            raise EntryError("entry-malformed", f"{name} {text[:80]!r} is not of its form")
    root = entry.prev if entry.private_root is None else entry.private_root
    if len(entry.prev) != HASH_BYTES or len(root) != HASH_BYTES:
        raise EntryError("entry-malformed", f"prev or private root is not {HASH_BYTES} bytes long")
    if type(entry.data) is not dict:
        raise EntryError("entry-malformed", f"data is {type(entry.data).__name__}, not an object")
    check_value(entry.data, DEPTH_MAX - 1)
    postings.check(entry.postings)
    if entry.phase is not None or entry.expires_at_us is not None:
        _judge_phase(entry)
    if entry.refers_to:
        _judge_refers_to(entry.refers_to, entry.position)


def _judge_phase(entry: Entry) -> None:
    phase, expires_at_us = entry.phase, entry.expires_at_us
    if phase is not None and phase != "pending" and phase not in _RESOLVING:
        raise EntryError("entry-malformed", f"phase {phase[:80]!r} is none of pending, posted, voided, expired")
    if (phase == "pending") != (expires_at_us is not None):
        raise EntryError("phase-invalid", "expires_at stands beside the phase pending, and only there")
    if expires_at_us is not None and expires_at_us <= entry.at_us:
        raise EntryError("phase-invalid", "expires_at is not after at")
    if phase in _RESOLVING and not entry.refers_to:
        raise EntryError("phase-invalid", f"phase {phase} needs refers_to")


def _judge_refers_to(refers_to: tuple[int, ...], position: int) -> None:
    if len(refers_to) > REFERS_TO_MAX:
        raise EntryError("refers-invalid", f"refers_to names {len(refers_to)} positions, at most {REFERS_TO_MAX}")
    if refers_to[0] < 0 or refers_to[-1] >= position or any(a >= b for a, b in pairwise(refers_to)):
        raise EntryError("refers-invalid", "refers_to is not a rising list of earlier positions")


def _text(members: Members, name: str) -> str:
    value = members[name]
    if type(value) is not str:
        raise EntryError("entry-malformed", f"{name} is {type(value).__name__}, not a string")
    return value


def _digest(members: Members, name: str) -> bytes:
    text = _text(members, name)
    if not matches_digest(text):
        raise EntryError("entry-malformed", f"{name} {text[:80]!r} is not the base64 of {HASH_BYTES} bytes")
    return a2b_base64(text)


def _postings(values: object) -> tuple[Posting, ...]:
    if type(values) is not list:
        raise EntryError("entry-malformed", "postings is not a list")
    lines = []
    for i, value in enumerate(values):
        if type(value) is not dict or value.keys() != _POSTING_MEMBERS:
            raise EntryError("entry-malformed", f"posting {i} is not an object of account, amount, asset and fund")
        account, amount, asset, fund = value["account"], value["amount"], value["asset"], value["fund"]
        if not type(account) is type(amount) is type(asset) is type(fund) is str or not matches_amount(amount):
            raise EntryError("entry-malformed", f"posting {i}: not all texts, or no amount: {str(amount)[:80]!r}")
        lines.append(Posting(account, asset, fund, int(amount)))
    return tuple(lines)


def _private_root(private: object) -> bytes:
    if type(private) is not dict or private.keys() != {"alg", "root"} or private["alg"] != PRIVATE_ALG:
        raise EntryError("entry-malformed", f"private is not an object of alg {PRIVATE_ALG!r} and root")
    return _digest(private, "root")


def _refers_to(positions: object) -> tuple[int, ...]:
    if type(positions) is not list or any(type(n) is not int for n in positions):
        raise EntryError("entry-malformed", "refers_to is not a list of positions")
    if not positions:
        raise EntryError("refers-invalid", "refers_to names no position; a member that says nothing is left out")
    return tuple(positions)
