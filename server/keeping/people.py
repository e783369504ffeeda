"""People in a restore: the safe comes first, and whoever was erased since the backup is erased in it (attacks D2).

A backup holds people's keys as they were wrapped, and no epoch key. So a restore needs the safe, or a place of it; with
an older backup than any epoch, what was kept of people is lost, and that has to be wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from server.erasure.listed import ErasureList
from server.errors import StartRefused
from server.keeping.backup import KEYS
from server.keyring import SUBJECTS, Keyring, safe_dirs
from server.vault import FileKeyStore
from server.vault.subject_file import epochs_in

if TYPE_CHECKING:
    from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Arriving:
    """The people of the backup in `directory`. `safe` is a place of the old safe, where the settings name none."""

    directory: Path
    settings: Settings
    safe: Path | None
    without_people: bool

    def check(self) -> None:
        """Refuse a restore whose people could not be opened, or that would bring back the erased. Changes nothing."""
        places = [place for place in (self.safe, *safe_dirs(self.settings)) if place is not None]
        if self.safe is not None and not self.safe.is_dir():
            raise StartRefused(f"The safe {self.safe} is not there.", "Mount it, or name another place of it.")
        ErasureList(places).all()  # one that cannot be read must not be found out too late
        held = self.directory / KEYS / SUBJECTS
        used = epochs_in(held) if held.exists() else []
        known = {name for place in places if place.is_dir() for name in FileKeyStore(place).ids()}
        missing = [epoch for epoch in used if epoch not in known]
        if missing and not self.without_people:
            raise StartRefused(
                f"People's keys in the backup are wrapped by {', '.join(missing)}, which no safe named here holds.",
                "Name the old safe, or a place of it, with --safe. If these weeks are over three weeks ago, their keys"
                " are destroyed: --without-people restores the rest.",
            )

    def settle(self) -> int:
        """Bring the safe over and destroy the keys on the erasure list; return how many the backup still had."""
        for place in safe_dirs(self.settings):
            if self.safe is not None and self.safe.resolve() != place:
                _bring(self.safe, place)
        keyring = Keyring.open(self.settings)
        destroyed = keyring.subjects.destroy([erasure.key_id for erasure in keyring.erased.all()])
        if self.without_people:
            keyring.subjects.give_up(keyring.subjects.missing_epochs())
        keyring.subjects.close()
        return destroyed


def _bring(safe: Path, place: Path) -> None:
    """Copy the erasure list, then the keys: never the keys of people without who of them is erased."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    listed = ErasureList([place])
    for erasure in ErasureList([safe]).all():
        listed.write(erasure)
    there, here = FileKeyStore(safe), FileKeyStore(place)
    for name in there.ids():
        key = there.load(name)
        if key is not None:
            here.create(name, key)
