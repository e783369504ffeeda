"""The right edge of a tree as files: what a log of more entries has that one of fewer had not. Pure. SPEC.md 9.

It holds the growing tile of every level and the growing bundle, so that entries are read once and nothing that is
published is read again. The root comes out of the same hashes that go into the files: files whose root is the signed
one are the right ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ledger import merkle, tiles
from ledger.canonical import leaf_hash
from ledger.errors import MalformedError
from ledger.grammar import HASH_BYTES
from ledger.tiles import TILE_HEIGHT, TILE_WIDTH

PARTIALS_KEPT = 4
"""Full tiles behind the newest whose partial ones stay, for readers that hold an older checkpoint."""


class Growth:
    """A tree of `size` leaves, at its right edge. `levels` are the hashes of each growing tile, `tail` its entries."""

    def __init__(self, size: int = 0, levels: Sequence[Sequence[bytes]] = (), tail: Sequence[bytes] = ()) -> None:
        """Continue at `size`. MalformedError for hashes or entries that are not those of its growing tiles."""
        self.size = size
        self._levels = [list(hashes) for hashes in levels]
        self._tail = list(tail)
        self._full: dict[str, bytes] = {}
        widths = [tiles.growing(level, size)[1] for level in range(levels_at(size))]
        if [len(hashes) for hashes in self._levels] != widths or len(self._tail) != size % TILE_WIDTH:
            raise MalformedError(f"these are not the growing tiles of a tree of {size} leaves")
        if self._levels and [leaf_hash(entry) for entry in self._tail] != self._levels[0]:
            raise MalformedError(f"the growing bundle at {size} leaves does not hold what its tile does")

    def copy(self) -> Growth:
        """An independent one at the same size; files that were not `drained` stay with this one."""
        return Growth(self.size, self._levels, self._tail)

    def append(self, entry: bytes) -> None:
        """Add one entry; a tile or bundle that it fills becomes a file."""
        self._tail.append(entry)
        n = self.size // TILE_WIDTH
        self.size += 1
        if len(self._tail) == TILE_WIDTH:
            self._full[tiles.entries_path(n)] = tiles.encode_bundle(self._tail)
            self._tail.clear()
        level, digest = 0, leaf_hash(entry)
        while True:
            if level == len(self._levels):
                self._levels.append([])
            hashes = self._levels[level]
            hashes.append(digest)
            if len(hashes) < TILE_WIDTH:
                return
            n = (self.size >> TILE_HEIGHT * (level + 1)) - 1
            self._full[tiles.path(level, n)] = b"".join(hashes)
            digest = merkle.root(hashes)
            hashes.clear()
            level += 1

    def root(self) -> bytes:
        """Root hash over all entries."""
        return root_of(self._levels)

    def drain(self) -> dict[str, bytes]:
        """Path to bytes of the tiles and bundles that filled up since the last call; bundles come first."""
        files, self._full = self._full, {}
        return _bundles_first(files)

    def edge(self) -> dict[str, bytes]:
        """Path to bytes of the tiles and the bundle that still grow; the bundle comes first."""
        files = {}
        if self._tail:
            files[tiles.entries_path(*tiles.growing(0, self.size))] = tiles.encode_bundle(self._tail)
        for level, hashes in enumerate(self._levels):
            if hashes:
                files[tiles.path(level, *tiles.growing(level, self.size))] = b"".join(hashes)
        return files


def root_of(levels: Iterable[Iterable[bytes]]) -> bytes:
    """Root hash of the tree whose growing tiles, from level 0 up, hold these hashes."""
    hashes: list[bytes] = []
    for level in reversed([*levels]):
        frontier = merkle.Frontier()
        for digest in level:
            frontier.append(digest)
        hashes += frontier.hashes()
    return merkle.fold(hashes) if hashes else merkle.EMPTY_ROOT


def edge_paths(size: int) -> tuple[list[str | None], str | None]:
    """Where the growing tile of each level and the growing bundle lie; None where the next one is empty."""
    growing = [tiles.growing(level, size) for level in range(levels_at(size))]
    bundle = tiles.entries_path(*growing[0]) if growing and growing[0][1] else None
    return [tiles.path(level, n, width) if width else None for level, (n, width) in enumerate(growing)], bundle


def levels_at(size: int) -> int:
    """How many levels of tiles a tree of `size` leaves has."""
    return max(0, (size.bit_length() - 1) // TILE_HEIGHT + 1)


def split(tile: bytes) -> list[bytes]:
    """The hashes of a tile. MalformedError when they are not whole."""
    if len(tile) % HASH_BYTES:
        raise MalformedError(f"a tile of {len(tile)} bytes does not hold whole hashes")
    return [tile[i : i + HASH_BYTES] for i in range(0, len(tile), HASH_BYTES)]


def outgrown(old_size: int, new_size: int) -> Iterator[str]:
    """Folders of partial tiles that nobody needs once a log of `old_size` entries has grown to `new_size`.

    c2sp.org/tlog-tiles lets a log remove them when the full tile is there. The newest ones stay: whoever began to read
    at an older checkpoint finishes. A crash may have left those of the step before, so they are named again.
    """
    for level in range(levels_at(new_size)):
        first = (old_size >> TILE_HEIGHT * (level + 1)) - 2 * PARTIALS_KEPT
        end = (new_size >> TILE_HEIGHT * (level + 1)) - PARTIALS_KEPT
        for n in range(max(0, first), max(0, end)):
            yield f"{tiles.path(level, n)}.p"
            if level == 0:
                yield f"{tiles.entries_path(n)}.p"


def _bundles_first(files: dict[str, bytes]) -> dict[str, bytes]:
    return dict(sorted(files.items(), key=lambda file: not file[0].startswith("tile/entries/")))
