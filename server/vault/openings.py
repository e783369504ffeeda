"""Openings: single slots of one entry, shown to somebody outside with what proves them. SPEC.md 7."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import orjson

from ledger import slots
from ledger.grammar import encode_base64
from server.vault.errors import KeyDestroyed

if TYPE_CHECKING:
    from ledger.registry import TypeSpec
    from ledger.slots import Opening
    from ledger.types import SealedSlots
    from server.vault.vault import Vault

FORMAT = "secondwind-opening-v1"


class NoSuchSlot(ValueError):
    """The entry's type has no slot of that name."""

    def __init__(self, name: str, spec: TypeSpec) -> None:
        names = ", ".join(slot.name for slot in spec.slots)
        super().__init__(f"{spec.name} has no slot {name[:80]!r}; it has {names}")


def openings(
    vault: Vault, origin: str, spec: TypeSpec, sealed: SealedSlots, names: Sequence[str]
) -> tuple[Opening, ...]:
    """Open the named slots of an entry, and no others. An unused slot is shown as unused.

    Raises NoSuchSlot, KeyDestroyed for a slot that is erased, Tampered.
    """
    known = {slot.name: slot for slot in spec.slots}
    salted = vault.salted(origin, spec, sealed, sealed.root)
    found = []
    for name in dict.fromkeys(names):
        if name not in known:
            raise NoSuchSlot(name, spec)
        if name not in salted:
            raise KeyDestroyed(f"of {known[name].group}")
        salt, value = salted[name]
        found.append(slots.opening(spec, name, value, salt, sealed.slot_hashes))
    return tuple(found)


def document(origin: str, position: int, shown: Sequence[Opening]) -> bytes:
    """Return the file that `verify.py --opening` reads."""
    data = {
        "format": FORMAT,
        "log": origin,
        "position": position,
        "slots": [
            {
                "i": one.index,
                "name": one.name,
                "path": [encode_base64(node) for node in one.path],
                "salt": encode_base64(one.salt),
                "value": one.value,
            }
            for one in shown
        ],
    }
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
