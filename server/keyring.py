"""All keys of one instance: those of the service, those of people, and the safe that no backup may hold.

keys/             the service's keys, and the people's in subjects.db, each wrapped by a key of the safe
safe/             epoch keys, keys of the inbox's days, the erasure list: wherever SECONDWIND_SAFE_DIRS says
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from server.erasure.listed import ErasureList
from server.errors import StartRefused
from server.vault import Epochs, FileKeyStore, FileSubjectKeys, Vault, VaultError
from server.vault.copies import CopiedKeyStore

if TYPE_CHECKING:
    from server.settings import Settings
    from server.vault import KeyStore

SUBJECTS = "subjects.db"
SAFE = "safe"


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The stores of one instance. `safes` are the directories of the safe."""

    service: FileKeyStore
    safe: KeyStore
    subjects: FileSubjectKeys
    erased: ErasureList
    safes: tuple[Path, ...]

    @classmethod
    def open(cls, settings: Settings, now: Callable[[], datetime] = utc_now) -> Self:
        """Open the stores; new ones are made in the data directory, never elsewhere.

        Raises StartRefused for a safe that is not there: it may only not be mounted, and everybody would look erased.
        """
        keys = settings.data_dir.resolve() / "keys"
        safes = safe_dirs(settings)
        safe = CopiedKeyStore([FileKeyStore(path) for path in safes])
        try:
            subjects = FileSubjectKeys(keys / SUBJECTS, Epochs(safe, now=now))
        except VaultError as error:
            raise StartRefused(f"{error}.", "") from None
        return cls(FileKeyStore(keys), safe, subjects, ErasureList(safes), safes)

    def check(self) -> None:
        """Refuse to go on where a living key cannot be unwrapped. Raises StartRefused."""
        if missing := self.subjects.missing_epochs():
            places = " and ".join(str(path) for path in self.safes)
            raise StartRefused(
                f"People's keys are wrapped by {', '.join(missing)}, which {places} does not hold.",
                "Mount the safe, or name a copy of it with SECONDWIND_SAFE_DIRS.",
            )

    def vault(self) -> Vault:
        """The vault that seals with these keys."""
        return Vault(self.service, subjects=self.subjects, safe=self.safe)


def safe_dirs(settings: Settings) -> tuple[Path, ...]:
    """Where the safe is. Raises StartRefused for a directory that was named and is not there."""
    if not settings.safe_dirs:
        return (settings.data_dir.resolve() / SAFE,)
    places = tuple(Path(name).resolve() for name in settings.safe_dirs)
    for place in places:
        if not place.is_dir():
            raise StartRefused(f"The safe {place} is not there.", "Mount it, or make the directory if it is a new one.")
    return places
