"""Private slots: salted commitments to an entry's private fields, and openings of single ones. Pure. SPEC.md 7.

A type fixes 8 or 16 slots by name and order, so an entry can be opened in one way only. The salt keeps a slot from
being guessed and dies with its value. Salts come in as arguments: 32 random bytes each, never used twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from ledger import canonical, merkle
from ledger.errors import EntryError, ProofError
from ledger.grammar import HASH_BYTES

if TYPE_CHECKING:
    from ledger.registry import TypeSpec

Group = Literal["identity", "audit"]
GROUPS: tuple[Group, ...] = ("identity", "audit")
SLOT_COUNTS = (8, 16)
SALT_BYTES = 32
_TAG = b"\x00secondwind/slot/v1\n"


@dataclass(frozen=True, slots=True)
class SlotSpec:
    """One private field of a type: its name and the key group that seals it (identity is erasable, audit is held)."""

    name: str
    group: Group


@dataclass(frozen=True, slots=True)
class Opening:
    """One slot shown: the value, its salt, and the sibling hashes up to the entry's private root."""

    type: str
    index: int
    name: str
    value: object
    salt: bytes
    path: tuple[bytes, ...]


def slot_hash(type_name: str, index: int, name: str, value: object, salt: bytes) -> bytes:
    """SHA-256(0x00 || tag || salt || canonical [type, index, name, value]); `value` None says the slot is unused.

    EntryError `opening-invalid` for a salt that is not 32 bytes, or a value that canonical JSON cannot hold.
    """
    if len(salt) != SALT_BYTES:
        raise EntryError("opening-invalid", f"a salt of {len(salt)} bytes, not {SALT_BYTES}")
    try:
        where = canonical.encode([type_name, index, name])
        shown = b"null" if value is None else canonical.encode(value)
    except EntryError as error:
        raise EntryError("opening-invalid", f"slot {name[:80]!r}: {error.detail}") from error
    return sha256(_TAG + salt + where[:-1] + b"," + shown + b"]").digest()


def build(spec: TypeSpec, values: Mapping[str, object], salts: Sequence[bytes]) -> tuple[bytes, bytes]:
    """(slot hashes, one after the other; private root) of an entry of type `spec`; slots without a value are unused.

    `salts`: one per slot, in order. EntryError `private-invalid` for a value without a slot or salts that do not fit.
    """
    names = [slot.name for slot in spec.slots]
    if unknown := sorted(values.keys() - set(names)):
        raise EntryError("private-invalid", f"{spec.name} has no slot {unknown[0][:80]!r}, only {', '.join(names)}")
    if len(salts) != len(names) or len(names) not in SLOT_COUNTS or len(set(salts)) != len(names):
        raise EntryError("private-invalid", f"{spec.name} needs {len(names)} different salts, got {len(salts)}")
    hashes = [slot_hash(spec.name, i, name, values.get(name), salts[i]) for i, name in enumerate(names)]
    return b"".join(hashes), merkle.root(hashes)


def opening(spec: TypeSpec, name: str, value: object, salt: bytes, slot_hashes: bytes) -> Opening:
    """Shows slot `name` of an entry whose slot hashes are `slot_hashes`; EntryError if it was not committed to."""
    names = [slot.name for slot in spec.slots]
    if name not in names or len(slot_hashes) != len(names) * HASH_BYTES:
        raise EntryError("opening-invalid", f"{spec.name} has no slot {name[:80]!r} in these slot hashes")
    index = names.index(name)
    hashes = [slot_hashes[i : i + HASH_BYTES] for i in range(0, len(slot_hashes), HASH_BYTES)]
    if slot_hash(spec.name, index, name, value, salt) != hashes[index]:
        raise EntryError("opening-invalid", f"slot {name} of {spec.name} does not hold this value and salt")
    indexes = merkle.inclusion_indexes(index, len(hashes))
    path = tuple(merkle.root(hashes[i << level : (i + 1) << level]) for level, i in indexes)
    return Opening(spec.name, index, name, value, salt, path)


def verify_opening(shown: Opening, slot_count: int, private_root: bytes) -> None:
    """Returns if `shown` is what the entry with `private_root` committed to; EntryError `opening-invalid` otherwise.

    `slot_count` comes from the type's registry entry (8 or 16), not from whoever shows the opening; so should the
    slot's name at that index, which the caller compares.
    """
    if slot_count not in SLOT_COUNTS:
        raise EntryError("opening-invalid", f"no type has {slot_count} slots")
    leaf = slot_hash(shown.type, shown.index, shown.name, shown.value, shown.salt)
    try:
        merkle.verify_inclusion(leaf, shown.index, slot_count, shown.path, private_root)
    except ProofError as error:
        raise EntryError("opening-invalid", f"slot {shown.name[:80]} of {shown.type[:80]}: {error}") from error
