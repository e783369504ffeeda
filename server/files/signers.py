"""What the signers of a data directory remember, and when they may take the published checkpoint for their own (E8).

A state is never rebuilt from a database. It is adopted from what is published and signed, once the entries have been
held against it, on an operator's command; and never where this directory has shown more than that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ledger.errors import LedgerError, NoteError
from ledger.keys import Keyring
from ledger.signer_state import PublishDirectory, SignerState, StateFile
from server.errors import StartRefused

if TYPE_CHECKING:
    from ledger.checkpoint import Checkpoint
    from ledger.held_keys import HeldKeys
    from ledger.types import LogName
    from server.instance import Instance


class Remembered:
    """The state and the shown checkpoints of one log."""

    def __init__(self, instance: Instance, log: LogName) -> None:
        self._log = log
        self._file = StateFile(instance.signer / f"{log}.json")
        self._directory = PublishDirectory(instance.publish / log)
        self._number = 0
        self._state: SignerState | None = None

    def check(self, keys: HeldKeys, reach: int, signed: int) -> None:
        """Refuse where more was shown than the `reach` entries that there will be. `signed`: by the database's rows.

        Raises StartRefused. A state that is damaged counts as lost.
        """
        try:
            shown = self._directory.newest(keys.verify_keys())
        except NoteError:
            raise StartRefused(
                f"The signing key of {self._log} is not the one that signed what was shown.",
                "Restore the keys directory.",
            ) from None
        try:
            self._state = self._file.load()
        except (ValueError, KeyError, TypeError, LedgerError):
            self._state = None
        self._number = max(shown[0] if shown else 0, self._state.number if self._state else 0)
        furthest = max(shown[1].size if shown else 0, signed)
        if furthest > reach:
            raise StartRefused(
                f"A checkpoint of {furthest} entries of {self._log} was shown, files and database hold {reach}.",
                "Use newer files: what was shown is never signed a second time.",
            )

    def adopt(self, published: Checkpoint, snapshot: Mapping[str, Any], keys: HeldKeys, size: int) -> bool:
        """Go on from `published` where this signer remembers less, nothing, or what nobody saw; whether it does now.

        `size` is how many entries the database has. What is remembered beyond that was signed, but never shown: files
        come before anything is shown.
        """
        state = self._state
        if state is not None and published.size <= state.size <= size:
            return False
        signing = keys.signing(Keyring.from_snapshot(snapshot["keys"]), published.size) or [keys.first()]
        adopted = SignerState(self._number + 1, signing[0].vkey, published.size, published.root_hash, snapshot)
        self._file.save(adopted)
        return True
