"""The tilewriter: what a checkpoint covers becomes files, and the checkpoint itself becomes one last.

Order: rows beside the entries (sealed) → bundles → tiles → checkpoint. So whoever reads a checkpoint finds all of its
files, and whatever a checkpoint covers can be recovered. Killed anywhere, the next one writes the same bytes again:
files are created, never written over, and the checkpoint moves by compare-and-swap from the one this writer knows (E6).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import sql
from ledger import checkpoint, growth, tiles
from ledger.checkpoint import Checkpoint
from ledger.errors import MalformedError
from ledger.growth import Growth
from ledger.held_keys import HeldKeys
from ledger.reader import LogReader
from ledger.signer_state import Contradicted, Overtaken
from ledger.tiles import TILE_HEIGHT

if TYPE_CHECKING:
    import asyncpg

    from ledger.note import VerifyKey
    from ledger.types import LogName
    from server.files.store import FileStore

CHECKPOINT = "checkpoint"
ENTRIES_PER_PART_MAX = 4_096
"""A log that is far ahead of its files is published from one of its older checkpoints to the next, each this far."""

_files = sql.load("files")
_log = logging.getLogger(__name__)


async def _nothing() -> None:
    """A log that tells of no other."""


class Beside(Protocol):
    """Keeps what stands beside the entries of a log (server.files.sidecar)."""

    async def keep(self, first: int, end: int) -> None:
        """Keep the rows of the entries `[first, end)`; `first` is where a bundle begins. Doing it again is no harm."""

    async def forget(self, old_size: int, new_size: int) -> None:
        """Let go of what nobody needs once the log has grown."""


@dataclass(frozen=True, slots=True)
class _Published:
    growth: Growth
    text: str
    version: str | None


class TileWriter:
    """Publishes one log to `files`; a ledger.signer_state.Publication. `pool` reads entries and checkpoints."""

    def __init__(  # noqa: PLR0913 - where from, where to
        self,
        pool: asyncpg.Pool,
        log: LogName,
        key: VerifyKey | HeldKeys,
        files: FileStore,
        *,
        beside: Beside | None = None,
        foundation: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        """`foundation` returns when the files of the log that this one tells of reach far enough, or raises Behind."""
        self.log = log
        self._foundation = foundation
        self._pool = pool
        self._reader = LogReader(pool, log)
        self._key = key
        self._files = files
        self._beside = beside
        self._published: _Published | None = None

    async def newest(self) -> Checkpoint | None:
        """The published checkpoint. Raises NoteError when this log's key did not sign it, and StoreAway."""
        held = await self._files.read(CHECKPOINT)
        return None if held is None else checkpoint.open(held.data, self._keys())

    async def publish(self, signed: Checkpoint, text: str) -> None:
        """Write what `signed` covers and is not there yet. Raises Overtaken, Contradicted, StoreAway, Behind."""
        try:
            await self._foundation()
            published = self._published or await self._open()
            while published.growth.size < signed.size:
                published = await self._extend(published, *await self._next(published.growth.size, signed, text))
            self._published = published
        except BaseException:
            self._published = None  # whatever of it was done is found again
            raise
        if published.growth.size > signed.size:
            raise Overtaken(f"{published.growth.size} entries are published, {signed.size} were signed here")
        if published.growth.root() != signed.root_hash:
            raise Contradicted(f"another root is published for {signed.size} entries")

    async def _open(self) -> _Published:
        """Read the right edge of what is published. Raises Contradicted, naming the file that is not as it must be."""
        held = await self._files.read(CHECKPOINT)
        if held is None:
            return _Published(Growth(), "", None)
        newest = checkpoint.open(held.data, self._keys())
        levels, tail = growth.edge_paths(newest.size)
        found = {}
        for name in filter(None, [*levels, tail]):
            file = await self._files.read(name)
            if file is None:
                raise Contradicted(f"the published file {name} is missing")
            found[name] = file.data
        edge = _edge(newest, levels, tail, found)
        if edge is None:
            raise Contradicted(f"the published file {await self._wrong(found)} was changed")
        return _Published(edge, held.data.decode(), held.version)

    def _keys(self) -> list[VerifyKey]:
        return self._key.verify_keys() if isinstance(self._key, HeldKeys) else [self._key]

    async def _wrong(self, found: Mapping[str, bytes]) -> str:
        """The first file that does not say what the database does; both together where they agree."""
        for name, data in found.items():
            if data != await self._stored(name):
                return name
        return CHECKPOINT

    async def _stored(self, name: str) -> bytes:
        """A tile or bundle as the database has it."""
        level, n, width = tiles.parse_path(name)
        if level:
            hashes = await self._pool.fetchval(_files.stored_tile, self.log, level, n)
            return bytes(hashes or b"")[: 32 * width]
        rows = await self._reader.entries(n * tiles.TILE_WIDTH, width, bytes_max=tiles.BUNDLE_ENTRY_BYTES_MAX * width)
        if level is None:
            return tiles.encode_bundle(row.bytes for row in rows)
        return b"".join(row.leaf_hash for row in rows)

    async def _next(self, size: int, signed: Checkpoint, text: str) -> tuple[Checkpoint, str]:
        """The checkpoint to publish after `size` entries: `signed`, or where that is far an older one of this log."""
        if signed.size - size > ENTRIES_PER_PART_MAX:
            note = await self._pool.fetchval(_files.checkpoint_after, self.log, size, size + ENTRIES_PER_PART_MAX)
            if note is not None:
                _log.info("%s: %d of %d entries are published as files", self.log, size, signed.size)
                return checkpoint.open(note, self._keys()), note
        return signed, text

    async def _extend(self, published: _Published, signed: Checkpoint, text: str) -> _Published:
        old_size = published.growth.size
        grown = published.growth.copy()
        while grown.size < signed.size:
            rows = await self._reader.entries(grown.size, signed.size - grown.size)
            if not rows:
                raise Contradicted(f"position {grown.size} is signed and not in the database")
            for row in rows:
                grown.append(row.bytes)
        if grown.root() != signed.root_hash:
            raise Contradicted(
                f"the entries {old_size}..{signed.size - 1} in the database are not those that were signed"
            )
        if self._beside is not None:
            await self._beside.keep(old_size - old_size % tiles.TILE_WIDTH, signed.size)
        for files in _by_kind(grown.drain() | grown.edge()):
            await self._create(files)
        version = await self._show(text, published.version)
        if old_size >> TILE_HEIGHT != signed.size >> TILE_HEIGHT:
            await self._files.remove(list(growth.outgrown(old_size, signed.size)))
            if self._beside is not None:
                await self._beside.forget(old_size, signed.size)
        return _Published(grown, text, version)

    async def _create(self, files: Mapping[str, bytes]) -> None:
        """Files that are there already have to be the same: what a checkpoint covers never changes."""
        for name in await self._files.create(files):
            held = await self._files.read(name)
            if held is not None and held.data != files[name]:
                raise Contradicted(f"the published file {name} holds other bytes than the log")

    async def _show(self, text: str, version: str | None) -> str:
        done = await self._files.exchange(CHECKPOINT, text.encode(), version)
        if done is not None:
            return done
        held = await self._files.read(CHECKPOINT)
        if held is None or held.data != text.encode():  # the same: our own exchange of before, whose answer was lost
            raise Overtaken("the published checkpoint is not the one that this signer published last")
        return held.version


def _edge(newest: Checkpoint, levels: list[str | None], tail: str | None, found: Mapping[str, bytes]) -> Growth | None:
    """The right edge as these files say it; None where it is not that of the checkpoint."""
    try:
        hashes = [growth.split(found[name]) if name else [] for name in levels]
        edge = Growth(newest.size, hashes, tiles.decode_bundle(found[tail]) if tail else [])
    except MalformedError:
        return None
    return edge if edge.root() == newest.root_hash else None


def _by_kind(files: Mapping[str, bytes]) -> list[dict[str, bytes]]:
    """Bundles before tiles: a tile that is there vouches for entries that can be read."""
    bundles = {name: data for name, data in files.items() if name.startswith("tile/entries/")}
    return [bundles, {name: data for name, data in files.items() if name not in bundles}]
