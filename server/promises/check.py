"""Judging a promise from its file alone, offline, under the log's keys. Pure. SPEC.md 17.4, 17.5.

kept       an entry of the public log is shown that keeps it, in time
late       such an entry is shown, and its time is after the promised one
open       nothing is shown, and the promised time has not come
overdue    nothing is shown, and the promised time is over: ask the log, and if it shows nothing, show this to others
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from ledger import canonical, promise, proof, slots
from ledger.errors import EntryError, LedgerError, MalformedError
from ledger.grammar import decode_base64, decode_digest, encode_base64
from ledger.note import VerifyKey
from ledger.promise import Promise
from ledger.slots import Opening
from ledger.types import Entry
from server.domains.giving import published

FORMAT: Final = "secondwind-promise-v1"
OPENING_FORMAT: Final = "secondwind-opening-v1"
FILE_BYTES_MAX: Final = 1_048_576
_SPEC = next(spec for spec in published.TYPES if spec.name == published.GIFT_RECEIVED)

State = Literal["kept", "late", "open", "overdue"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a promise stands. `position`: of the entry that was shown for it."""

    state: State
    promised: Promise
    position: int | None = None


class PromiseInvalid(LedgerError):
    """The file is no promise of this log, or what it shows does not keep the promise; the sentence says why."""


def check(data: bytes, keys: Sequence[VerifyKey], now_us: int) -> Verdict:
    """Judge a promise file; `keys` are those of the log that the reader trusts. Raises PromiseInvalid."""
    try:
        document = _object(orjson.loads(data) if len(data) <= FILE_BYTES_MAX else None, "a promise file")
        if document.get("format") != FORMAT:
            raise PromiseInvalid(f"it is not of the format {FORMAT}")
        promised = promise.open(str(document.get("promise")), str(document.get("key")), keys)
        if "kept" in document:
            return _kept(promised, _object(document["kept"], "`kept`"), keys)
    except (MalformedError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise PromiseInvalid(str(error)) from error
    return Verdict("open" if now_us <= promised.not_later_us else "overdue", promised)


def _kept(promised: Promise, shown: dict[str, Any], keys: Sequence[VerifyKey]) -> Verdict:
    content = str(shown["entry"]).encode()
    position = _proven(str(shown["proof"]), content, keys)
    entry = canonical.parse_entry(content)
    _check_money(promised, entry)
    opened = _opened(_object(shown["opening"], "`opening`"), entry, position)
    if opened.get("books_entry") != encode_base64(promised.commitment):
        raise PromiseInvalid(f"entry {position} does not open to the promised entry of books")
    nonce = opened.get("nonce")
    if not isinstance(nonce, str) or promise.giver_hash(nonce) != promised.giver:
        raise PromiseInvalid(f"entry {position} does not open to the nonce of this giver")
    return Verdict("kept" if entry.at_us <= promised.not_later_us else "late", promised, position)


def _proven(text: str, content: bytes, keys: Sequence[VerifyKey]) -> int:
    for number, key in enumerate(keys, 1):
        try:
            proof.verify_tlog_proof(text, content, key)
        except MalformedError:
            if number == len(keys):
                raise
        else:
            return proof.parse_tlog_proof(text).index
    raise PromiseInvalid("no key of the log is given")


def _check_money(promised: Promise, entry: Entry) -> None:
    if entry.log != promised.log or entry.type != published.GIFT_RECEIVED or promised.way != "alone":
        raise PromiseInvalid(f"an entry {entry.type[:60]} of {entry.log[:80]} cannot keep this promise")
    posted = [(str(p.amount), p.asset, p.fund) for p in entry.postings if p.account == "assets:cash"]
    if posted != [(promised.amount, promised.asset, promised.fund)]:
        raise PromiseInvalid(f"the entry posts {posted}, not {promised.amount} {promised.asset} {promised.fund}")


def _opened(document: dict[str, Any], entry: Entry, position: int) -> dict[str, object]:
    if (document["format"], document["log"], document["position"]) != (OPENING_FORMAT, entry.log, position):
        raise PromiseInvalid("the opening is of another entry")
    root = entry.private_root
    if root is None:
        raise EntryError("opening-invalid", "the entry has no slots")
    names = [slot.name for slot in _SPEC.slots]
    found: dict[str, object] = {}
    for slot in document["slots"]:
        index, name = slot["i"], slot["name"]
        if type(index) is not int or not 0 <= index < len(names) or names[index] != name:
            raise EntryError("opening-invalid", f"{_SPEC.name} has no slot {str(name)[:60]!r} at {str(index)[:20]}")
        path = tuple(map(decode_digest, slot["path"]))
        shown = Opening(entry.type, index, name, slot["value"], decode_base64(slot["salt"]), path)
        slots.verify_opening(shown, len(names), root)
        found[name] = slot["value"]
    return found


def opening_document(log: str, position: int, shown: Sequence[Opening]) -> dict[str, object]:
    """The openings as a file, SPEC.md 7."""
    rows = [
        {
            "i": one.index,
            "name": one.name,
            "path": [encode_base64(digest) for digest in one.path],
            "salt": encode_base64(one.salt),
            "value": one.value,
        }
        for one in shown
    ]
    return {"format": OPENING_FORMAT, "log": log, "position": position, "slots": rows}


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PromiseInvalid(f"{what} is no object, or too large")
    return value
