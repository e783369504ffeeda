"""Subject keys: who private parts belong to, and the keys that open them as long as that person is not erased.

Each subject has two keys: `identity`, which erasure destroys, and `audit`, which the law holds (attacks A8, D8). A
key's id is random and tells nothing; a subject's name is a keyed hash, so the store itself holds nobody's data. A KMS
can stand behind the Protocol; `subject_file` is the implementation that needs no other service.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ledger.slots import Group

KEY_ID_PREFIXES: tuple[str, ...] = ("identity-", "audit-")
_KEY_ID = re.compile(r"(identity|audit)-[a-z2-7]{24}")


def is_key_id(text: str) -> bool:
    """Whether this could be the id of somebody's key, whether it exists or not."""
    return _KEY_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody, by `name` (a keyed hash, 32 bytes); `aliases` are keyed hashes that also lead here: of an e-mail."""

    name: bytes
    aliases: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class WrappingKey:
    """A subject's key of one group, by id."""

    id: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Holder:
    """The keys that an entry's boxes are wrapped by. None: that key is destroyed, so nothing may be kept under it."""

    identity: WrappingKey | None
    audit: WrappingKey | None


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key that is there, without itself."""

    id: str
    group: Group


@dataclass(frozen=True, slots=True)
class CopiedKey:
    """A key as it is kept, wrapped by `epoch`: worth nothing once that is destroyed. No name once it is erased."""

    id: str
    group: Group
    name: bytes | None
    aliases: tuple[bytes, ...]
    epoch: str
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What a rewrap did: how many keys are under this week's epoch now, and which epochs are no more."""

    keys: int
    destroyed: tuple[str, ...]


class SubjectKeys(Protocol):
    """Keys by subject. Blocking; each change is durable when the call returns; several processes may use it at once."""

    def ensure(self, subjects: Sequence[Subject]) -> list[Holder]:
        """Return each subject's keys, making those that are not there; all in one durable write, or none."""

    def load(self, key_id: str) -> bytes | None:
        """Return a key by its id, or None when it was destroyed."""

    def find(self, name: bytes) -> list[HeldKey]:
        """Return the keys of the subjects that go by this name or alias."""

    def is_named(self, key_id: str) -> bool:
        """Whether the key's subject still has a name, which it loses with its identity."""

    def destroy(self, key_ids: Sequence[str]) -> int:
        """Destroy keys; return how many were there.

        With an identity key go the subject's name and aliases: who comes back is a new subject, tied to nothing old.
        """

    def copies(self, key_ids: Sequence[str]) -> list[CopiedKey]:
        """Return those of the keys that are there, as they are kept; for what lies beside published entries."""

    def take_in(self, copies: Sequence[CopiedKey]) -> int:
        """Keep copied keys that are not there and whose epoch is; return how many. Never give it an erased one."""

    def missing_epochs(self) -> list[str]:
        """Return the epochs that keys are wrapped by and that the safe does not have: those keys open nothing now."""

    def give_up(self, epochs: Sequence[str]) -> int:
        """Forget the keys of these epochs, which are gone for good; return how many."""

    def rewrap(self, progress: Callable[[int], None] = lambda _keys: None) -> Rewrapped:
        """Wrap every key by this week's epoch key, then destroy the epochs that are too old. Touches no entry.

        `progress` is told the keys so far.
        """
