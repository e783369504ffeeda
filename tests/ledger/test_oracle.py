"""Go's sumdb, which shares no code with us, judges our roots, tiles, proofs, keys and notes."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from ledger import canonical, checkpoint, merkle, note, proof, tiles
from ledger.grammar import encode_base64
from tests.support.oracle import ORACLE_MARKS, ask, built_oracle

SIZES = (0, 1, 2, 255, 256, 257, 70_000)
SEED = bytes(range(32))
KEY = note.SigningKey("ledger.example.org/main", SEED)

pytestmark = ORACLE_MARKS


class Log:
    """A log of `size` plain leaves: its frontier, and every complete node by level, as they grow."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.frontier = merkle.Frontier()
        self.nodes: dict[int, list[bytes]] = defaultdict(list)
        for i in range(size):
            leaf_hash = canonical.leaf_hash(b"leaf %d" % i)
            self.nodes[0].append(leaf_hash)
            for level, index, node_hash in self.frontier.append(leaf_hash):
                assert index == len(self.nodes[level])
                self.nodes[level].append(node_hash)

    def read(self, size: int) -> proof.Read:
        """Reads the tree as it was at `size`."""
        return proof.folding(lambda nodes: [self.nodes[level][index] for level, index in nodes], size)

    def root(self, size: int) -> bytes:
        """Root of the first `size` leaves."""
        return merkle.fold(self.read(size)(merkle.complete_nodes(63, 0, size))) if size else merkle.EMPTY_ROOT

    def tiles(self) -> dict[str, str]:
        """Path to content (base64) of every tile that this size needs."""
        found = {}
        for level in range(tiles.LEVEL_MAX + 1):
            n = 0
            while width := tiles.width(level, n, self.size):
                start = n * tiles.TILE_WIDTH
                hashes = self.nodes[level * tiles.TILE_HEIGHT][start : start + width]
                found[tiles.path(level, n, width)] = encode_base64(b"".join(hashes))
                n += 1
            if not n:
                break
        return found


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_oracle(tmp_path_factory)


def request_for(log: Log) -> dict[str, Any]:
    """Everything we would publish about a log, with proofs at its edges and in its middle."""
    size = log.size
    edges = sorted(
        {i for i in (0, 1, 127, 254, 255, 256, 511, 65_535, 65_536, size // 3, size - 2, size - 1) if 0 <= i < size}
    )
    root = log.frontier.root()
    return {
        "size": size,
        "root": encode_base64(root),
        "note": KEY.sign(checkpoint.Checkpoint(KEY.name, size, root).text()),
        "vkey": KEY.vkey,
        "seed": encode_base64(SEED),
        "tiles": log.tiles(),
        "inclusion": [
            {"index": i, "path": [encode_base64(h) for h in proof.inclusion(log.read(size), i, size)]} for i in edges
        ],
        "consistency": [
            {
                "old_size": i + 1,
                "old_root": encode_base64(log.root(i + 1)),
                "path": [encode_base64(h) for h in proof.consistency(log.read(size), i + 1, size)],
            }
            for i in edges
        ],
    }


@pytest.mark.parametrize("size", SIZES)
def test_go_agrees_with_every_root_tile_proof_and_note(oracle: Path, size: int) -> None:
    request = request_for(Log(size))
    answer = ask(oracle, request)
    assert answer == {"problems": [], "note": request["note"]}
    assert checkpoint.open(answer["note"], KEY.vkey).size == size


def test_the_oracle_notices_what_is_wrong(oracle: Path) -> None:
    request = request_for(Log(257))
    zero = encode_base64(bytes(32))
    request["tiles"]["tile/0/000"] = zero
    request["inclusion"][0]["path"][0] = zero
    request["consistency"][0]["path"][0] = zero
    problems = "\n".join(ask(oracle, {**request, "root": zero})["problems"])
    for part in ("root is", "checkpoint says", "inclusion of 0", "consistency from 1", "tile/0/000 differs"):
        assert part in problems
