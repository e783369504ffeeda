"""From an entry's bytes and the rows kept beside it back to what the writer had written. Pure but for the vault.

The result is a plan as the writer makes one, so that the writer's own statement brings it back: what is recovered is
what was lost, because both are the same rows by the same way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ledger.batches import statement, verifies
from ledger.errors import EntryError, MalformedError
from ledger.grammar import decode_base64
from ledger.plan import EntryRow, Plan
from ledger.reader import sealed_slots
from ledger.rules import rule_rows
from ledger.types import Entry, Head, SealedSlots
from ledger.verify import EntryChecker

if TYPE_CHECKING:
    from ledger.registry import TypeSpec
    from server.files.sidecar import Row, Rows

OWNERS = "owners"

OpenSlots = Callable[["TypeSpec", SealedSlots], Mapping[str, Any]]
"""The values of an entry's slots that are not erased, by name. Raises VaultError."""


class Beside:
    """Rows of the sidecar by the position they belong to. `take` forgets them."""

    def __init__(self) -> None:
        self._batches: dict[int, Row] = {}
        self._slots: dict[int, SealedSlots] = {}
        self._by_position: dict[str, dict[int, list[Row]]] = {
            part: defaultdict(list) for part in ("streams", "keys", "claims")
        }

    def add(self, rows: Rows, start: int) -> None:
        """Take the rows of a bundle, those before `start` left out."""
        self._batches |= {row["first"]: row for row in rows["batches"] if row["first"] >= start}
        for row in rows["slots"]:
            if row["position"] >= start:
                self._slots[row["position"]] = sealed_slots(data_of(row["slot_hashes"]), row["boxes"])
        for part, by_position in self._by_position.items():
            for row in rows[part]:
                position = row["first" if part == "keys" else "position"]
                if position >= start:
                    by_position[position].append(row)

    def batch(self, first: int) -> Row:
        """The batch that begins at `first`. MalformedError when there is none: then its entries are nobody's."""
        row = self._batches.pop(first, None)
        if row is None:
            raise MalformedError(f"no batch signature is kept for position {first}")
        return row

    def slots(self, entry: Entry) -> SealedSlots | None:
        """The sealed slots of an entry. MalformedError when they are not those that it commits to."""
        sealed = self._slots.pop(entry.position, None)
        if (sealed.root if sealed is not None else None) != entry.private_root:
            raise MalformedError(f"the slots that are kept for position {entry.position} are not those of the entry")
        return sealed

    def take(self, part: str, position: int) -> list[Row]:
        """The rows of a part at one position."""
        return self._by_position[part].pop(position, [])


def replay(  # noqa: PLR0913, PLR0917 - a batch, what it stands on, and who opens it
    head: Head, checker: EntryChecker, batch: Row, entries: Sequence[bytes], beside: Beside, open_slots: OpenSlots
) -> Plan:
    """Return the plan of one batch. `checker` stands before its first entry, and afterwards behind its last one.

    Raises MalformedError when bytes break a rule or rows are not theirs, and the vault's errors.
    """
    plan = Plan(head)
    for data in entries:
        entry = _checked(checker, head, data)
        plan.entries.append(EntryRow(entry.position, entry.type, entry.period, entry.at_us, data, checker.prev))
        sealed = beside.slots(entry)
        if sealed is not None:
            plan.slots.append((entry.position, sealed))
        for owner, posting, amount in _owned(entry, sealed, checker, open_slots):
            plan.balances[posting.account, owner, posting.asset, posting.fund] += amount
        if entry.type.startswith("ledger."):
            plan.rules.extend(rule_rows(entry, checker.declared))
        plan.streams.extend(
            (data_of(row["stream"]), row["version"], entry.position) for row in beside.take("streams", entry.position)
        )
        plan.seen.extend(
            (data_of(row["key"]), data_of(row["request_hash"]), row["first"], row["count"])
            for row in beside.take("keys", entry.position)
        )
        plan.claims.extend(
            (row["kind"], data_of(row["key"]), entry.position) for row in beside.take("claims", entry.position)
        )
    plan.head = Head(
        log=head.log,
        origin=head.origin,
        time_zone=head.time_zone,
        size=checker.size,
        last_leaf_hash=checker.prev,
        last_at_us=checker.last_at_us,
        epoch=batch["epoch"],
        rules_position=max([head.rules_position, *(row.position for row in plan.rules)]),
    )
    return plan


def vouch(origin: str, batch: Row, plan: Plan, public_key: bytes) -> bytes:
    """The batch's signature. MalformedError when the writer's key did not make it (attacks A5)."""
    signature = data_of(batch["signature"])
    text = statement(origin, batch["epoch"], batch["first"], batch["last"], plan.head.last_leaf_hash)
    if not verifies(public_key, text, signature):
        raise MalformedError(f"the batch at position {batch['first']} is not signed by the writer's key")
    return signature


def data_of(text: str) -> bytes:
    """Bytes as Postgres writes them in JSON. MalformedError for anything else."""
    try:
        if text.startswith("\\x"):
            return bytes.fromhex(text[2:])
    except ValueError:
        pass
    raise MalformedError(f"{text[:80]!r} is not bytes in hexadecimal")


def _checked(checker: EntryChecker, head: Head, data: bytes) -> Entry:
    try:
        return checker.check(checker.size, data)
    except EntryError as error:
        raise MalformedError(f"position {checker.size} of {head.log}: {error}") from None


def _owned(
    entry: Entry, sealed: SealedSlots | None, checker: EntryChecker, open_slots: OpenSlots
) -> list[tuple[bytes, Any, int]]:
    """(owner, posting, amount) of each part of a posting; unowned where the slot says nothing or is erased."""
    spec = checker.registry.types.get(entry.type)
    values: Mapping[str, Any] = {}
    if sealed is not None and spec is not None and any(slot.name == OWNERS for slot in spec.slots):
        values = open_slots(spec, sealed)
    if values.get(OWNERS) is None:
        return [(b"", posting, posting.amount) for posting in entry.postings]
    parts = [(index, decode_base64(owner) if owner else b"", int(text)) for index, owner, text in values[OWNERS]]
    sums: dict[int, int] = defaultdict(int)
    for index, _, amount in parts:
        sums[index] += amount
    if sums != {index: posting.amount for index, posting in enumerate(entry.postings)}:
        raise MalformedError(f"the owners of position {entry.position} do not own what it posts")
    return [(owner, entry.postings[index], amount) for index, owner, amount in parts]
