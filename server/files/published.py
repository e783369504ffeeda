"""Reading a log back from its files, each of them held against the others: whatever does not fit is named.

Damaged   a file is missing, cut or changed; its name is in the sentence
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger import checkpoint, growth, merkle, tiles
from ledger.canonical import leaf_hash
from ledger.checkpoint import Checkpoint
from ledger.errors import LedgerError, MalformedError, NoteError
from ledger.grammar import HASH_BYTES
from ledger.tiles import TILE_WIDTH
from server.files.tilewriter import CHECKPOINT
from server.vault import VaultError

if TYPE_CHECKING:
    from ledger.note import VerifyKey
    from server.files.store import FileStore


class Damaged(LedgerError):
    """A published file is not as it was written."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The entries `[first, end)` as the files have them."""

    first: int
    end: int
    entries: list[bytes]


async def newest(files: FileStore, keys: Sequence[VerifyKey]) -> Checkpoint | None:
    """The published checkpoint; None where nothing is published. Raises Damaged for one that none of `keys` signed."""
    data = await _held(files, CHECKPOINT)
    if data is None:
        return None
    try:
        return checkpoint.open(data, keys)
    except NoteError as error:
        raise Damaged(f"{CHECKPOINT} is not signed by a key of this log ({error})") from None


async def origin_of(files: FileStore) -> str:
    """What the log calls itself, "" where nothing is published; only a signature by that name makes it true."""
    data = await _held(files, CHECKPOINT)
    return "" if data is None else data.partition(b"\n")[0].decode(errors="replace")


class Published:
    """The log that `head`, a checkpoint whose signature was checked, covers."""

    def __init__(self, files: FileStore, head: Checkpoint) -> None:
        self.head = head
        self._files = files
        self._newest: dict[int, tuple[tuple[int, int], list[bytes]]] = {}

    async def check_edge(self) -> None:
        """Hold the tiles at the right edge against the checkpoint, so that every tile can be held against one above."""
        levels, _ = growth.edge_paths(self.head.size)
        if growth.root_of([await self._tile(name) if name else [] for name in levels]) != self.head.root_hash:
            raise Damaged(f"the tiles {', '.join(filter(None, levels))} do not give the root of {CHECKPOINT}")

    async def bundle(self, first: int) -> Bundle:
        """The bundle that begins at `first`. Raises Damaged."""
        n, end = first // TILE_WIDTH, min(first + TILE_WIDTH, self.head.size)
        name = tiles.entries_path(n, end - first)
        hashes = await self.leaf_hashes(first)
        data = await self._read(name)
        try:
            entries = tiles.decode_bundle(data)
        except MalformedError as error:
            raise Damaged(f"{name} is damaged: {error}") from None
        if [leaf_hash(entry) for entry in entries] != hashes:
            raise Damaged(f"{name} was changed: its entries do not have the hashes of {tiles.path(0, n, end - first)}")
        return Bundle(first, end, entries)

    async def leaf_hashes(self, first: int) -> list[bytes]:
        """The leaf hashes of the bundle that begins at `first`, from the tiles alone. Raises Damaged."""
        return await self._vouched(0, first // TILE_WIDTH)

    async def _vouched(self, level: int, n: int) -> list[bytes]:
        """A tile that the one above vouches for; those at the edge were held against the checkpoint."""
        if (level, n) == self._newest.get(level, ((), []))[0]:
            return self._newest[level][1]
        width = tiles.width(level, n, self.head.size)
        name = tiles.path(level, n, width)
        hashes = await self._tile(name)
        if width == TILE_WIDTH:
            parents = await self._vouched(level + 1, n // TILE_WIDTH)
            if parents[n % TILE_WIDTH] != merkle.root(hashes):
                raise Damaged(f"{name} was changed: the tile above it holds another hash")
        self._newest[level] = (level, n), hashes
        return hashes

    async def _tile(self, name: str) -> list[bytes]:
        data = await self._read(name)
        if len(data) != tiles.parse_path(name).width * HASH_BYTES:
            raise Damaged(f"{name} is cut: it has {len(data)} bytes")
        return growth.split(data)

    async def _read(self, name: str) -> bytes:
        data = await _held(self._files, name)
        if data is None:
            raise Damaged(f"{name} is missing")
        return data


async def _held(files: FileStore, name: str) -> bytes | None:
    try:
        held = await files.read(name)
    except VaultError as error:
        raise Damaged(f"{name} does not open: {error}") from None
    return None if held is None else held.data
