"""The erasure list: which keys were destroyed, outside Postgres and outside every backup (attacks D2).

One file per key in the directory `erased` of the safe, in each of its places. Written before the key is destroyed, so
that whatever is cut short is finished later; read before a restored system opens, so that no backup brings anybody
back. It names keys, never people: a key's id is random and used once.
"""

from __future__ import annotations

import asyncio
import fcntl
import glob
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import orjson

from ledger.slots import Group
from server.errors import StartRefused

ERASED = "erased"
FORMAT = "secondwind-erasure-v1"
LOCK_TIMEOUT_S = 20.0
LOCK_POLL_S = 0.05
_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Erasure:
    """One key that is, or is about to be, destroyed.

    `requested` is the position in `audit` where it was asked for, `actor` who had it done; `completed` the position
    where it was told done, None until then. `entries` and `root` (base64) are what that entry says of the erased
    entries; `gone_by` the day (ISO) on which the last copy in any backup is dead.
    """

    key_id: str
    group: Group
    requested: int
    actor: str
    gone_by: str
    completed: int | None = None
    entries: int = 0
    root: str = ""

    @property
    def gone_by_date(self) -> date:
        """`gone_by` as a date."""
        return date.fromisoformat(self.gone_by)


class ErasureList:
    """The list in each of `places`, which are the safe's. Blocking; a change is durable when the call returns."""

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = tuple(place / ERASED for place in places)

    def write(self, erasure: Erasure) -> None:
        """Write down an erasure, or what has become of it."""
        data = orjson.dumps({"format": FORMAT, **asdict(erasure)}, option=orjson.OPT_SORT_KEYS)
        for place in self._places:
            place.mkdir(mode=0o700, exist_ok=True)
            _write(place / f"{erasure.key_id}.json", data)

    def find(self, key_id: str) -> Erasure | None:
        """Return what is known of a key's erasure; None when nobody asked for it."""
        name = f"{key_id}.json"
        return next(iter(self._read(glob.escape(name))), None) if Path(name).name == name else None

    def all(self) -> list[Erasure]:
        """Return every erasure, by key; of two places the one that knows more."""
        return sorted(self._read("*.json"), key=lambda erasure: erasure.key_id)

    @asynccontextmanager
    async def alone(self, timeout_s: float = LOCK_TIMEOUT_S) -> AsyncIterator[None]:
        """Keep other processes from erasing meanwhile. Raises StartRefused when one does for longer than that."""
        place = self._places[0]
        place.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(place / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            for _ in range(max(1, round(timeout_s / LOCK_POLL_S))):
                if _locked(descriptor):
                    break
                await asyncio.sleep(LOCK_POLL_S)
            else:
                raise StartRefused("Another erasure is under way.", "Wait until it is done, and ask again.")
            yield
        finally:
            os.close(descriptor)

    def _read(self, pattern: str) -> list[Erasure]:
        known: dict[str, Erasure] = {}
        for place in self._places:
            for path in place.glob(pattern):
                one = _parse(path)
                if one.key_id not in known or one.completed is not None:
                    known[one.key_id] = one
        return list(known.values())


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _parse(path: Path) -> Erasure:
    try:
        data = orjson.loads(path.read_bytes())
        if data.pop("format") == FORMAT:
            return Erasure(**data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise StartRefused(f"{path} is not part of an erasure list.", "Restore it from the safe's other place.")


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
