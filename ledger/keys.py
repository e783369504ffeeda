"""The keys that may sign a log's checkpoints, changed only by the recovery key. Pure. SPEC.md 12.7-12.10; attacks A4.

Whoever steals the log's key can sign checkpoints, but cannot name another key: that takes a signature by the recovery
key, which lies offline and whose public half is in entry 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from ledger.errors import EntryError, NoteError
from ledger.grammar import decode_base64, encode_base64
from ledger.note import ED25519, SigningKey, VerifyKey
from ledger.types import Entry

INTRODUCED = "ledger.key.introduced.v1"
RETIRED = "ledger.key.retired.v1"


def statement(origin: str, change: Literal["introduced", "retired"], vkey: str, size: int) -> str:
    """The text that the recovery key signs to let `vkey` sign from, or up to, checkpoints of `size` entries."""
    return f"secondwind/key/v1\n{origin}\n{change}\n{vkey}\n{size}\n"


def change(origin: str, event_type: str, vkey: str, size: int, recovery: SigningKey) -> dict[str, object]:
    """The data of an entry that introduces or retires a key, signed by the recovery key."""
    text = statement(origin, "introduced" if event_type == INTRODUCED else "retired", vkey, size)
    return {"key": vkey, "signature": encode_base64(recovery.signature(text)), "size": size}


@dataclass(frozen=True, slots=True)
class Span:
    """Sizes of the checkpoints that a key may sign: from `first` to `last`, both counted; no `last` while in force."""

    first: int
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Keyring:
    """The recovery key and, by their text form, all keys the log ever had."""

    recovery: VerifyKey | None = None
    spans: Mapping[str, Span] | None = None

    def may_sign(self, vkey: str, size: int) -> bool:
        """Whether a checkpoint of `size` entries may bear this key's signature."""
        span = (self.spans or {}).get(vkey)
        return span is not None and span.first <= size and (span.last is None or size <= span.last)

    def signers(self, size: int) -> list[VerifyKey]:
        """The keys of which one must have signed a checkpoint of `size` entries."""
        return [key for key in self.all() if self.may_sign(key.vkey, size)]

    def all(self) -> list[VerifyKey]:
        """Every key that the log ever had, the oldest first."""
        return [VerifyKey.parse(vkey) for vkey, _ in self.in_time()]

    def in_time(self) -> list[tuple[str, Span]]:
        """Every key with the sizes that it may sign, in the order in which they came."""
        return sorted((self.spans or {}).items(), key=lambda item: item[1].first)

    def opened(self, key: VerifyKey, recovery: VerifyKey) -> Keyring:
        """With the keys of entry 0."""
        return replace(self, recovery=recovery, spans={key.vkey: Span(0)})

    def changed(self, entry: Entry) -> Keyring:
        """With the key that a `ledger.key.*` entry introduces or retires; EntryError `key-invalid` if it may not."""
        vkey, size = str(entry.data["key"]), int(str(entry.data["size"]))
        spans = dict(self.spans or {})
        introduces = entry.type == INTRODUCED
        try:
            key = VerifyKey.parse(vkey)
            signature = decode_base64(str(entry.data["signature"]))
        except (NoteError, ValueError) as error:
            raise EntryError("key-invalid", str(error)) from error
        if key.algorithm != ED25519 or key.name != entry.log:
            raise EntryError("key-invalid", f"a key of this log is an Ed25519 key named {entry.log!r}")
        if size <= entry.position:
            raise EntryError(
                "key-invalid", f"a change of keys at position {entry.position} comes too late for size {size}"
            )
        text = statement(entry.log, "introduced" if introduces else "retired", vkey, size)
        if self.recovery is None or not self.recovery.verifies(text, signature):
            raise EntryError("key-invalid", "the recovery key has not signed this change of keys")
        if introduces:
            if vkey in spans or key.key == self.recovery.key:
                raise EntryError("key-invalid", "a key is introduced once, and the recovery key never")
            spans[vkey] = Span(size)
        else:
            if vkey not in spans or spans[vkey].last is not None:
                raise EntryError("key-invalid", "a key is retired that is not in force")
            if not any(span.last is None and span.first <= size for other, span in spans.items() if other != vkey):
                raise EntryError("key-invalid", f"no other key would be in force at {size} entries")
            spans[vkey] = replace(spans[vkey], last=size)
        return replace(self, spans=spans)

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON."""
        spans = {vkey: [span.first, span.last] for vkey, span in sorted((self.spans or {}).items())}
        return {"recovery": self.recovery.vkey if self.recovery is not None else None, "spans": spans}

    @classmethod
    def from_snapshot(cls, state: Mapping[str, Any]) -> Self:
        """What `snapshot` gave."""
        recovery = VerifyKey.parse(state["recovery"]) if state["recovery"] is not None else None
        return cls(recovery, {vkey: Span(first, last) for vkey, (first, last) in state["spans"].items()})
