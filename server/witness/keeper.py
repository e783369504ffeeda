"""A witness: what it cosigned of each log, kept on disk before anybody hears of it (c2sp.org/tlog-witness).

One file per log, named by the hash of its origin, holds the newest cosigned checkpoint as it is served. A crash between
writing and answering is harmless: the log asks again and hears 409 with the size it reached. What the files say is
never begun anew, or a witness that lost them would cosign a second history (attacks A3).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ledger import checkpoint, cosignature, note, signer_state, witness
from ledger.cosignature import Cosignature, Cosigner
from ledger.errors import MalformedError, Unavailable
from ledger.signer_state import replace_durably
from ledger.witness import Request, Seen
from server.errors import StartRefused

if TYPE_CHECKING:
    from ledger.note import VerifyKey
    from server.vault import KeyStore

T = TypeVar("T")
KEY = "witness"
WAITING_MAX = 64
"""Requests that a log signed and that wait for their turn; more are asked to come again."""

_PRIVATE = 0o700


class WitnessUnable(Unavailable):
    """Nothing was cosigned: too many wait, or what is kept cannot be read or written."""


class Keeper:
    """One witness on one directory. `logs`: trusted keys by origin. `clock_s`: seconds since 1970, for cosignatures."""

    def __init__(
        self,
        key: Cosigner,
        logs: Mapping[str, Sequence[VerifyKey]],
        directory: Path,
        clock_s: Callable[[], int],
    ) -> None:
        self._key = key
        self._logs = logs
        self._directory = directory
        self._clock_s = clock_s
        self._turn = asyncio.Lock()
        self._waiting: set[asyncio.Task[str]] = set()
        self._held = -1
        self._is_settled = False
        self._shown: dict[str, str] = {}

    @property
    def vkey(self) -> str:
        """What a log puts into its policy file to count this witness."""
        return self._key.vkey

    def acquire(self) -> None:
        """Hold the directory until `release`. Raises StartRefused if another process does: two would cosign forks."""
        held = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(held)
            raise StartRefused(
                f"Another witness works in {self._directory}.", "Stop it, or choose another directory."
            ) from None
        self._held = held

    def release(self) -> None:
        """Let go of the directory. Doing it again changes nothing."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1

    async def add_checkpoint(self, body: bytes) -> str:
        """The cosignature's line for a checkpoint that goes on from what was cosigned; it is on disk by then.

        WitnessRefusal for every other request; WitnessUnable when nothing can be decided now. One at a time: the next
        request is judged by what this one wrote, also when whoever asked has gone meanwhile.
        """
        request = witness.parse_request(body)
        trusted = witness.check_signed(request, self._logs)
        if len(self._waiting) >= WAITING_MAX:
            raise WitnessUnable(f"{WAITING_MAX} requests wait already")
        work = asyncio.create_task(self._in_turn(self._cosign, request, trusted))
        self._waiting.add(work)
        work.add_done_callback(self._waiting.discard)
        return await asyncio.shield(work)

    async def newest(self, origin_hash: str) -> str | None:
        """The newest cosigned checkpoint of the log whose origin has this SHA-256, in hex; None if there is none."""
        if origin_hash not in {sha256(origin.encode()).hexdigest() for origin in self._logs}:
            return None
        if origin_hash not in self._shown:
            await asyncio.shield(asyncio.create_task(self._in_turn(self._recall, origin_hash)))
        return self._shown.get(origin_hash)

    async def _in_turn(self, work: Callable[..., T], *args: object) -> T:
        async with self._turn:
            return await asyncio.to_thread(work, *args)

    def _recall(self, origin_hash: str) -> None:
        """Find out what may be shown; the turn is ours, so nothing is being written."""
        self._settle()
        with contextlib.suppress(FileNotFoundError):
            self._shown[origin_hash] = (self._directory / origin_hash).read_text("utf-8")

    def _settle(self) -> None:
        """A keeper that was killed may have renamed a file and not synced the name: until then nobody hears of it."""
        if not self._is_settled:
            signer_state.sync(self._directory)
            self._is_settled = True

    def _cosign(self, request: Request, trusted: Sequence[VerifyKey]) -> str:
        path = self._path(request.checkpoint.origin)
        try:
            self._settle()
            seen, last = self._load(path)
            new = witness.decide(request, seen)
            time_s = self._clock_s()
            if last is not None and new == seen and last.time_s == time_s:
                return last.line  # whoever repeats a public checkpoint costs one write a second, and no more
            text = request.checkpoint.text()
            line = self._key.line(text, time_s)
            kept = f"{text}\n{_lines_by(request.note, trusted)}{line}"
            self._is_settled = False
            replace_durably(path, kept.encode())
            self._is_settled, self._shown[path.name] = True, kept
        except (OSError, MalformedError) as error:
            raise WitnessUnable(f"what was cosigned cannot be kept ({type(error).__name__})") from error
        return line

    def _load(self, path: Path) -> tuple[Seen, Cosignature | None]:
        """What was cosigned last, held against our own key: a damaged file is no empty one."""
        try:
            kept = path.read_bytes()
        except FileNotFoundError:
            return Seen(), None
        last = cosignature.answered(*_parts(kept), self._key.verify_key)
        told = checkpoint.parse(_parts(kept)[0])
        return Seen(told.size, told.root_hash), last

    def _path(self, origin: str) -> Path:
        return self._directory / sha256(origin.encode()).hexdigest()


def open_keeper(
    store: KeyStore,
    name: str,
    logs: Mapping[str, Sequence[VerifyKey]],
    directory: Path,
    clock_s: Callable[[], int],
) -> Keeper:
    """The witness called `name`, whose key is in `store`; both are made the first time. Raises StartRefused.

    A key without its directory, or the other way round, is half of a backup: such a witness would forget.
    """
    seed = store.load(KEY)
    if seed is None:
        if directory.is_dir() and any(path.name != "lock" for path in directory.iterdir()):
            raise StartRefused(f"The key of the witness is lost, but {directory} holds what it cosigned.", _REMEDY)
        directory.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        seed = store.create(KEY, os.urandom(32))
    elif not directory.is_dir():
        raise StartRefused(f"The witness has a key, but {directory}, which says what it cosigned, is lost.", _REMEDY)
    return Keeper(Cosigner(name, seed), logs, directory, clock_s)


_REMEDY = "Bring back the other half, or begin a new witness: move this directory away and tell the logs its new key."


def _parts(kept: bytes) -> tuple[str, str]:
    text, separator, lines = kept.decode(errors="replace").rpartition("\n\n")
    return f"{text}\n" if separator else "", lines


def _lines_by(signed: str, keys: Sequence[VerifyKey]) -> str:
    known = {(key.name, key.key_id) for key in keys}
    found = [s for s in note.split(signed)[1] if (s.name, s.key_id) in known]
    return "".join(dict.fromkeys(note.format_line(signature) for signature in found))
