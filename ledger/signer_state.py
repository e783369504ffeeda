"""What the signer keeps outside the database: its own state, and the directory it publishes to.

The state is written and synced before anything is signed, so that a signer that was killed signs the same again or
nothing. The numbered files in the publish directory are the compare-and-swap that a restored database cannot undo: a
number can be taken once, and whoever finds a newer one than his own stops (attacks E6, E8).

Behind         what is published elsewhere first is not there yet
Overtaken      another signer has published what this one was about to
Contradicted   published bytes, which never change, are others than those that were to be published
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson

from ledger import checkpoint, note
from ledger.checkpoint import Checkpoint
from ledger.errors import LedgerError, NoteError, Unavailable
from ledger.grammar import decode_digest, encode_base64

FORMAT = 2
KEPT_FILES = 16
_NUMBERED = re.compile(r"checkpoint-([0-9]{16})")


class Overtaken(LedgerError):
    """What is published is not what this signer published last."""


class Contradicted(LedgerError):
    """What is published says something else about the same entries."""


class Behind(Unavailable):
    """What this log tells of is not published yet; it will be in a moment."""

    retry_after_s = 0.1


class Publication(Protocol):
    """Where a log is published as files. A checkpoint that it took is the newest for everybody, and for ever."""

    async def newest(self) -> Checkpoint | None:
        """The published checkpoint. Raises NoteError when this signer's key did not sign it."""

    async def publish(self, signed: Checkpoint, text: str) -> None:
        """Let the files say all that `signed` covers, the checkpoint last; doing it again changes nothing.

        Raises Overtaken, Contradicted, Behind, and Unavailable where it may succeed later.
        """


@dataclass(frozen=True, slots=True)
class SignerState:
    """`number` counts checkpoints; `snapshot` is the entry checker's (ledger.verify), from which signing goes on."""

    number: int
    vkey: str
    size: int
    root_hash: bytes
    snapshot: Mapping[str, Any]


class StateFile:
    """One signer's state: written whole, synced, then renamed into place."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> SignerState | None:
        """Return the state, or None when the file is not there. ValueError when it is not a state."""
        try:
            data = orjson.loads(self._path.read_bytes())
        except FileNotFoundError:
            return None
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            message = f"{self._path.name} is not a signer state of format {FORMAT}"
            raise ValueError(message)
        try:
            root_hash = decode_digest(data["root_hash"])
            state = SignerState(data["number"], data["vkey"], data["size"], root_hash, data["snapshot"])
            if [type(state.number), type(state.vkey), type(state.size), type(state.snapshot)] != [int, str, int, dict]:
                raise TypeError("a member is of another kind")  # noqa: TRY301 - told like one that is missing
        except (KeyError, TypeError) as error:
            message = f"{self._path.name} lacks what a signer state says ({error})"
            raise ValueError(message) from error
        return state

    def save(self, state: SignerState) -> None:
        """Make `state` durable; when this returns it survives a power cut."""
        data = {
            "format": FORMAT,
            "number": state.number,
            "vkey": state.vkey,
            "size": state.size,
            "root_hash": encode_base64(state.root_hash),
            "snapshot": state.snapshot,
        }
        replace_durably(self._path, orjson.dumps(data))


class PublishDirectory:
    """Where checkpoints go before anybody sees them: `checkpoint-<number>`, each number once, and `checkpoint`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def newest(self, key: note.VerifyKey | Iterable[note.VerifyKey]) -> tuple[int, Checkpoint] | None:
        """Return the newest number and its checkpoint. NoteError when the file is not signed by one of these keys."""
        number = self._newest_number()
        if number is None:
            return None
        return number, checkpoint.open(self._numbered(number).read_bytes(), key)

    def take(self, number: int, text: str) -> bool:
        """Publish under `number`; False when the number, or a newer one, was taken by another signer.

        The directory is read again after the link, because old files are removed: a signer that slept through many
        numbers would find its own number free.
        """
        temporary = self._path / f"new-{os.getpid()}-{os.urandom(4).hex()}"
        try:
            _write_synced(temporary, text.encode())
            os.link(temporary, self._numbered(number))
        except FileExistsError:
            return self._says_the_same(number, text) and self._newest_number() == number
        finally:
            temporary.unlink(missing_ok=True)
        sync(self._path)
        return self._newest_number() == number

    def _says_the_same(self, number: int, text: str) -> bool:
        """Whether what stands there is this checkpoint. Keys come and go meanwhile: signatures may be others."""
        try:
            return note.split(self._numbered(number).read_bytes())[0] == note.split(text)[0]
        except NoteError:
            return False

    def show(self, number: int, text: str) -> None:
        """Let `checkpoint` be this note, and forget numbered files that nothing needs any more."""
        replace_durably(self._path / "checkpoint", text.encode())
        for old in self._numbers():
            if old <= number - KEPT_FILES:
                self._numbered(old).unlink(missing_ok=True)

    def _numbers(self) -> list[int]:
        return [int(m[1]) for m in (_NUMBERED.fullmatch(path.name) for path in self._path.iterdir()) if m]

    def _newest_number(self) -> int | None:
        return max(self._numbers(), default=None)

    def _numbered(self, number: int) -> Path:
        return self._path / f"checkpoint-{number:016d}"


def replace_durably(path: Path, data: bytes) -> None:
    """Let `path` hold `data`, all of it or what was there before, whatever happens meanwhile."""
    temporary = path.with_name(f"{path.name}.new-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        _write_synced(temporary, data)
        temporary.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
    sync(path.parent)


def _write_synced(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync(directory: Path) -> None:
    """Make the names in a directory durable: what was renamed before stays so through a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
