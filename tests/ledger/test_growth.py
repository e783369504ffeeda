"""The right edge of a tree as files: held against a tree that is built at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import merkle, tiles
from ledger.canonical import leaf_hash
from ledger.errors import MalformedError
from ledger.growth import PARTIALS_KEPT, Growth, edge_paths, outgrown, split


def entry(number: int) -> bytes:
    return b"entry %d" % number


def grown(size: int) -> Growth:
    growth = Growth()
    for number in range(size):
        growth.append(entry(number))
    return growth


def expected(size: int) -> dict[str, bytes]:
    """Every file of a tree of that size, computed from its definition."""
    files = {}
    hashes = [leaf_hash(entry(number)) for number in range(size)]
    for n in range((size + 255) // 256):
        bundle = [entry(number) for number in range(256 * n, min(size, 256 * (n + 1)))]
        files[tiles.entries_path(n, len(bundle))] = tiles.encode_bundle(bundle)
    level = 0
    while hashes:
        for n in range((len(hashes) + 255) // 256):
            tile = hashes[256 * n : 256 * (n + 1)]
            files[tiles.path(level, n, len(tile))] = b"".join(tile)
        hashes = [merkle.root(hashes[i : i + 256]) for i in range(0, len(hashes) - 255, 256)]
        level += 1
    return files


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 1000, 65536 + 300])
def test_its_files_and_root_are_those_of_the_whole_tree(size: int) -> None:
    growth = grown(size)
    assert growth.root() == merkle.root(leaf_hash(entry(number)) for number in range(size))
    full, edge = growth.drain(), growth.edge()
    assert full | edge == expected(size)
    assert all(tiles.parse_path(path).width == 256 for path in full)
    assert all(tiles.parse_path(path).width < 256 for path in edge)
    for files in (full, edge):
        kinds = [path.startswith("tile/entries/") for path in files]
        assert kinds == sorted(kinds, reverse=True)
    assert (growth.drain(), growth.edge()) == ({}, edge)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 700), max_size=4))
def test_it_continues_from_its_edge_as_if_it_had_never_stopped(steps: list[int]) -> None:
    files: dict[str, bytes] = {}
    growth = Growth()
    for step in steps:
        for _ in range(step):
            growth.append(entry(growth.size))
        files |= growth.drain() | growth.edge()
        levels, tail = edge_paths(growth.size)
        growth = Growth(
            growth.size,
            [split(files[path]) if path else [] for path in levels],
            tiles.decode_bundle(files[tail]) if tail else [],
        )
    assert growth.root() == grown(growth.size).root()
    assert expected(growth.size).items() <= files.items()


def test_hashes_or_entries_of_another_tree_are_refused() -> None:
    tail = [entry(0), entry(1)]
    hashes = [leaf_hash(one) for one in tail]
    Growth(2, [hashes], tail)
    wrong_levels: list[list[list[bytes]]] = [[], [hashes[:1]], [hashes, hashes]]
    for levels in wrong_levels:
        with pytest.raises(MalformedError, match="2 leaves"):
            Growth(2, levels, tail)
    with pytest.raises(MalformedError, match="growing bundle"):
        Growth(2, [hashes], [entry(0), entry(2)])
    with pytest.raises(MalformedError, match="growing tiles"):
        Growth(2, [hashes], [entry(0)])


def test_a_copy_grows_by_itself() -> None:
    growth = grown(300)
    copy = growth.copy()
    copy.append(entry(300))
    assert (growth.size, growth.root()) == (300, grown(300).root())
    assert (copy.size, copy.root()) == (301, grown(301).root())


def test_a_tile_that_is_not_whole_hashes_is_refused() -> None:
    assert split(bytes(64)) == [bytes(32)] * 2
    with pytest.raises(MalformedError, match="33 bytes"):
        split(bytes(33))


def test_partial_tiles_stay_until_readers_of_older_checkpoints_are_done() -> None:
    """c2sp.org/tlog-tiles: partial tiles may go when the full one is there; the newest stay, a crash leaves none."""
    size = 256 * 20 + 5
    named = set(outgrown(256 * 19, size))
    kept = {f"{tiles.entries_path(n)}.p" for n in range(20 - PARTIALS_KEPT, 21)}
    assert not named & kept
    assert f"{tiles.entries_path(20 - PARTIALS_KEPT - 1)}.p" in named
    assert f"{tiles.path(0, 20 - PARTIALS_KEPT - 1)}.p" in named
    assert set(outgrown(0, 256 * 3)) == set()
