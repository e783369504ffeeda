"""A promise file with everything that keeps it, made of nothing but keys, for tests that spoil it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from ledger import canonical, merkle, promise, slots, times
from ledger.checkpoint import Checkpoint
from ledger.grammar import encode_base64
from ledger.note import SigningKey
from ledger.opening import opening_line
from ledger.promise import Promise
from ledger.proof import format_tlog_proof
from server.domains.giving import published
from server.promises.check import FORMAT
from server.promises.terms import LIVE_US

ORIGIN = "ledger.example.org/ledger"
LOG = SigningKey(ORIGIN, bytes([1]) * 32)
KEY = SigningKey(promise.key_name(ORIGIN), bytes([2]) * 32)
NONCE = "n0nce-of-the-browser"
BOOKED_US = times.parse_at("2026-09-01T12:10:00.000000Z")
SPEC = next(spec for spec in published.TYPES if spec.name == published.GIFT_RECEIVED)
COMMITMENT = bytes(range(32))
POSITION = 1
PROMISED = Promise(ORIGIN, "alone", COMMITMENT, promise.giver_hash(NONCE), "2500", "USD/2", "rent", BOOKED_US + LIVE_US)


@dataclass
class Made:
    """What the file is made of; each may be something else in a test."""

    promised: Promise = PROMISED
    amount: int = 2_500
    at_us: int = BOOKED_US + 2_000_000
    values: dict[str, Any] = field(
        default_factory=lambda: {"nonce": NONCE, "books_entry": encode_base64(COMMITMENT), "giver": {"name": "Ada"}}
    )
    shown: tuple[str, ...] = ("nonce", "books_entry")
    log_key: SigningKey = LOG

    def document(self, *, kept: bool = True) -> dict[str, Any]:
        made: dict[str, Any] = {
            "format": FORMAT,
            "key": promise.vouch(KEY.verify_key, LOG),
            "promise": KEY.sign(self.promised.text()),
        }
        return {**made, "kept": self._kept()} if kept else made

    def data(self, *, kept: bool = True) -> bytes:
        return orjson.dumps(self.document(kept=kept))

    def _kept(self) -> dict[str, Any]:
        salts = [bytes([n]) * 32 for n in range(len(SPEC.slots))]
        hashes, root = slots.build(SPEC, self.values, salts)
        entry = canonical.encode(
            {
                "at": times.format_at(self.at_us),
                "data": {"via": "processor"},
                "log": ORIGIN,
                "period": "2026-09",
                "position": POSITION,
                "postings": [
                    {"account": "assets:cash", "amount": str(self.amount), "asset": "USD/2", "fund": "rent"},
                    {"account": "income:gifts", "amount": str(-self.amount), "asset": "USD/2", "fund": "rent"},
                ],
                "prev": encode_base64(bytes(32)),
                "private": {"alg": "slots1", "root": encode_base64(root)},
                "type": SPEC.name,
                "v": 1,
            }
        )
        names = [slot.name for slot in SPEC.slots]
        openings = [
            slots.opening(SPEC, name, self.values.get(name), salts[names.index(name)], hashes) for name in self.shown
        ]
        leaves = [bytes(32), canonical.leaf_hash(entry)]
        checkpoint = self.log_key.sign(Checkpoint(ORIGIN, 2, merkle.root(leaves)).text())
        return {
            "entry": entry.decode(),
            "opening": orjson.loads(opening_line(ORIGIN, POSITION, openings)),
            "proof": format_tlog_proof(POSITION, [leaves[0]], checkpoint),
        }


def with_terms(**changes: Any) -> Made:
    """The same with another promise."""
    return Made(promised=replace(PROMISED, **changes))
