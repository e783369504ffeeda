"""Making a giver's promise out of the books: found by the payment, given to whoever knows the nonce.

Nothing is stored: the same gift gives the same bytes whenever it is asked for, so that nothing of it can be lost or
leak. Only committed entries are read, so no promise leaves before its gift is booked (attacks E10).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

import sql
from ledger import canonical, slots, times
from ledger.errors import Unavailable
from ledger.grammar import encode_base64
from ledger.opening import opening_line
from ledger.reader import LogReader
from server import birth
from server.promises.check import FORMAT
from server.promises.keys import promise_key, vouching
from server.promises.terms import promised
from server.public.proofs import ProofReads
from server.publishing.decide import GIFT_RECEIVED
from server.vault import SERVICE_KEY, VaultError

if TYPE_CHECKING:
    import asyncpg

    from ledger.note import SigningKey
    from ledger.registry import TypeSpec
    from ledger.types import LogName, SealedSlots, StoredEntry
    from server.parts import Parts
    from server.vault import Vault

CANDIDATES_MAX: Final = 64
"""Public entries of one person that are looked through for the one that keeps a promise, from the booking on."""
_SHOWN: Final = ("nonce", "books_entry")
_queries = sql.load("promises")


class KeyNotVouched(Unavailable):
    """The log's key has not vouched for the promise key yet: the signer's process does when it starts."""


@dataclass(frozen=True, slots=True)
class PromiseMaker:
    """Everything it takes. `pool` is of the role `writer`; `books` and `public` read on it.

    `stream`: from a provider's payment to its stream in `books`. `origins` and `specs`: of both logs, and of their
    gifts.
    """

    pool: asyncpg.Pool
    books: LogReader
    public: LogReader
    origins: Mapping[str, str]
    specs: Mapping[str, TypeSpec]
    vault: Vault
    stream: Callable[[str], bytes]
    key: SigningKey
    proofs: ProofReads

    async def of(self, payment: str, nonce: str) -> dict[str, object] | None:
        """The promise file of a payment; None unless it is a booked gift with this nonce, or it was erased.

        With what keeps it, once that is published and covered by a checkpoint. Raises KeyNotVouched.
        """
        gift = await self._gift(payment)
        if gift is None:
            return None
        sealed = (await self.books.slots([gift.position])).get(gift.position)
        known = self._values("books", sealed).get("nonce", (b"", None))[1]
        if sealed is None or not isinstance(known, str) or not hmac.compare_digest(known.encode(), nonce.encode()):
            return None
        made = promised(canonical.parse_entry(gift.bytes), gift.leaf_hash, nonce, self.origins["public"])
        if made is None:
            return None
        note = await vouching(self.pool, self.key.vkey)
        if note is None:
            raise KeyNotVouched("the promise key waits for the log's word")
        document: dict[str, object] = {"format": FORMAT, "key": note, "promise": self.key.sign(made.text())}
        kept = await self._kept(gift, sealed)
        return document if kept is None else {**document, "kept": kept}

    async def _gift(self, payment: str) -> StoredEntry | None:
        entries = await self.books.stream(self.stream(payment))
        return next((entry for entry in reversed(entries) if entry.type == GIFT_RECEIVED), None)

    async def _kept(self, gift: StoredEntry, sealed: SealedSlots) -> dict[str, object] | None:
        keys = [box.key_id for box in sealed.boxes if box.key_id != SERVICE_KEY]
        since_us = gift.at_us - gift.at_us % times.MINUTE_US  # public entries tell whole minutes (attacks B1)
        rows = await self.pool.fetch(_queries.published, keys, GIFT_RECEIVED, since_us, CANDIDATES_MAX)
        told = await self.public.slots([row["position"] for row in rows])
        wanted = encode_base64(gift.leaf_hash)
        for row in rows:
            mine = told.get(row["position"])
            values = self._values("public", mine)
            if mine is None or values.get("books_entry", (b"", None))[1] != wanted or "nonce" not in values:
                continue
            proof = (await self.proofs.entry(row["position"])).text
            spec = self.specs["public"]
            shown = [slots.opening(spec, name, values[name][1], values[name][0], mine.slot_hashes) for name in _SHOWN]
            opening = orjson.loads(opening_line(self.origins["public"], row["position"], shown))
            return None if proof is None else {"entry": row["bytes"].decode(), "opening": opening, "proof": proof}
        return None

    def _values(self, log: str, sealed: SealedSlots | None) -> Mapping[str, tuple[bytes, Any]]:
        """Salts and values of an entry's slots; none of what is erased or cannot be opened."""
        if sealed is None:
            return {}
        try:
            return self.vault.salted(self.origins[log], self.specs[log], sealed, sealed.root)
        except VaultError:
            return {}


def maker_of(parts: Parts) -> PromiseMaker:
    """The maker of this process."""
    logs: tuple[LogName, ...] = ("books", "public")
    return PromiseMaker(
        parts.database.writer,
        books=LogReader(parts.database.writer, "books"),
        public=LogReader(parts.database.writer, "public"),
        origins={log: parts.identities[log].origin for log in logs},
        specs={log: birth.registry(log).types[GIFT_RECEIVED] for log in logs},
        vault=parts.vault,
        stream=parts.inbox.stream,
        key=promise_key(parts.keys, parts.identities["public"].origin),
        proofs=ProofReads(parts.database.reader),
    )
