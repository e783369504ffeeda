"""The signing keys of one log that are at hand, and which of them sign a size as its keyring says. SPEC.md 12.7-12.10.

While two keys are in force a checkpoint bears both signatures, so that whoever pinned either can read it. A key that
was introduced meanwhile is found without a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.checkpoint import Checkpoint
    from ledger.keys import Keyring
    from ledger.note import SigningKey, VerifyKey


class HeldKeys:
    """What `load` finds, read again when the keyring names a key that is not held."""

    def __init__(self, load: Callable[[], Sequence[SigningKey]]) -> None:
        self._load = load
        self._held = {key.vkey: key for key in load()}
        self._known: dict[str, VerifyKey] = {}

    @classmethod
    def of(cls, *keys: SigningKey) -> HeldKeys:
        """Exactly these, for ever."""
        return cls(lambda: keys)

    def __contains__(self, vkey: object) -> bool:
        return vkey in self._held

    def first(self) -> SigningKey:
        """Any of them: the only one, before a log has changed its keys."""
        return next(iter(self._held.values()))

    def trust(self, keyring: Keyring) -> None:
        """Let what any key of this keyring signed be ours, also when its secret has been removed since."""
        self._known = {key.vkey: key for key in keyring.all()}

    def verify_keys(self) -> list[VerifyKey]:
        """The public halves of all keys whose signature is this log's."""
        return list({**self._known, **{vkey: key.verify_key for vkey, key in self._held.items()}}.values())

    def signing(self, keyring: Keyring, size: int) -> list[SigningKey]:
        """The held keys that are in force at `size`, the oldest first; none if no such key is here."""
        wanted = [key.vkey for key in keyring.signers(size)]
        if any(vkey not in self._held for vkey in wanted):
            self._held |= {key.vkey: key for key in self._load()}
        return [self._held[vkey] for vkey in wanted if vkey in self._held]


def signed_by(keys: Iterable[SigningKey], checkpoint: Checkpoint) -> str:
    """The note of a checkpoint with a signature of each of `keys`, of which there is at least one."""
    first, *others = keys
    text = checkpoint.text()
    return first.sign(text) + "".join(key.line(text) for key in others)
