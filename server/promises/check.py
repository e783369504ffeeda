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

from ledger import canonical, opening, promise, proof
from ledger.errors import LedgerError, MalformedError
from ledger.grammar import encode_base64
from ledger.note import VerifyKey
from ledger.promise import Promise
from ledger.types import Entry
from server.domains.giving import published

FORMAT: Final = "secondwind-promise-v1"
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
    if entry.position != position:
        raise PromiseInvalid(f"the proof is of entry {position}, the bytes are of {entry.position}")
    _check_money(promised, entry)
    opened = _opened(_object(shown["opening"], "`opening`"), entry)
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


def _opened(shown: dict[str, Any], entry: Entry) -> dict[str, object]:
    """The values that are shown, by name, each under the number that the type gives its name."""
    document = opening.read_opening(orjson.dumps(shown))
    opening.judge_opening(document, entry)
    names = [slot.name for slot in _SPEC.slots]
    if any(not 0 <= slot["i"] < len(names) or names[slot["i"]] != slot["name"] for slot in document["slots"]):
        raise PromiseInvalid(f"{_SPEC.name} has other slots than those that are shown")
    return {slot["name"]: slot["value"] for slot in document["slots"]}


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PromiseInvalid(f"{what} is no object, or too large")
    return value
