"""Paths, widths and bundles of c2sp.org/tlog-tiles. Pure. SPEC.md 9.

Tile `n` of level `l` holds the hashes of nodes `(8 * l, 256 * n + i)`. Entry bundle `n` holds entries 256n..256n+255,
each after its length in two bytes. A tile or bundle at the right edge is partial and says its width in its path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ledger.errors import MalformedError
from ledger.grammar import INT_MAX

TILE_HEIGHT = 8
TILE_WIDTH = 256
LEVEL_MAX = 63
BUNDLE_ENTRY_BYTES_MAX = 65535

_matches_path = re.compile(
    r"tile/(0|[1-9][0-9]?|entries)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
).fullmatch


class TilePath(NamedTuple):
    """What a path names. `level` is None for an entry bundle; `width` is 256 for a full one."""

    level: int | None
    n: int
    width: int


def path(level: int, n: int, width: int = TILE_WIDTH) -> str:
    """`tile/<level>/<n>[.p/<width>]`, relative to the log's prefix."""
    if not 0 <= level <= LEVEL_MAX:
        raise MalformedError(f"tile level {level} is not in 0..{LEVEL_MAX}")
    return f"tile/{level}/{_number(n, width)}"


def entries_path(n: int, width: int = TILE_WIDTH) -> str:
    """`tile/entries/<n>[.p/<width>]`, relative to the log's prefix."""
    return f"tile/entries/{_number(n, width)}"


def parse_path(text: str) -> TilePath:
    """Reads either kind of path; MalformedError unless it is exactly the text that would be written."""
    match = _matches_path(text)
    if not match:
        raise MalformedError(f"{text[:120]!r} is not a tile path")
    kind, groups, partial = match.groups()
    level = None if kind == "entries" else int(kind)
    n, width_ = (int(groups.replace("x", "").replace("/", "")), int(partial or TILE_WIDTH))
    written = entries_path(n, width_) if level is None else path(level, n, width_)
    if written != text:
        raise MalformedError(f"{text[:120]!r} is written {written!r}")
    return TilePath(level, n, width_)


def width(level: int, n: int, size: int) -> int:
    """Hashes in tile `n` of `level` at a tree of `size` leaves: 0 when there is no such tile, at most 256."""
    return max(0, min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - n * TILE_WIDTH))


def growing(level: int, size: int) -> tuple[int, int]:
    """(n, width) of the tile of `level` that grows at a tree of `size` leaves; width 0 when the next one is empty."""
    return divmod(size >> (TILE_HEIGHT * level), TILE_WIDTH)


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries as `uint16 length || bytes`, one after the other."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > BUNDLE_ENTRY_BYTES_MAX:
            raise MalformedError(f"an entry of {len(entry)} bytes does not fit a bundle ({BUNDLE_ENTRY_BYTES_MAX})")
        parts += (len(entry).to_bytes(2, "big"), entry)
    if len(parts) > 2 * TILE_WIDTH:
        raise MalformedError(f"{len(parts) // 2} entries do not fit a bundle ({TILE_WIDTH})")
    return b"".join(parts)


def decode_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle; MalformedError when it is cut, too wide, or followed by anything."""
    entries: list[bytes] = []
    start = 0
    while start < len(data):
        end = start + 2 + int.from_bytes(data[start : start + 2], "big")
        if start + 2 > len(data) or end > len(data):
            raise MalformedError(f"entry {len(entries)} of the bundle is cut off at byte {len(data)}")
        if len(entries) == TILE_WIDTH:
            raise MalformedError(f"the bundle holds more than {TILE_WIDTH} entries")
        entries.append(data[start + 2 : end])
        start = end
    return entries


def _number(n: int, width_: int) -> str:
    if not 0 <= n <= INT_MAX or not 1 <= width_ <= TILE_WIDTH:
        raise MalformedError(f"there is no tile {n} of width {width_}")
    text = f"{n % 1000:03}"
    while n := n // 1000:
        text = f"x{n % 1000:03}/{text}"
    return text if width_ == TILE_WIDTH else f"{text}.p/{width_}"
