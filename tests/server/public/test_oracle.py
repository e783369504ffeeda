"""Go's sumdb judges what is served over HTTP: tiles, proofs of entries and proofs of consistency."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from ledger import canonical, checkpoint, edges, merkle, proof, tiles
from ledger.grammar import encode_base64
from tests.server.http.serving import Edge
from tests.server.public.small_log import KEY, SmallLog
from tests.support.oracle import ORACLE_MARKS, ask, built_oracle

pytestmark = ORACLE_MARKS
SIZE = 1_000
OLD_SIZES = (1, 2, 255, 256, 257, 511, 512, 513, 767, 768, 900, 999, 1_000)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_oracle(tmp_path_factory)


async def plain_leaves(log: SmallLog) -> None:
    """The oracle's own log under a checkpoint: entry `i` is the text `leaf i`, which no writer of ours would append."""
    leaves = [b"leaf %d" % i for i in range(SIZE)]
    hashes = [canonical.leaf_hash(data) for data in leaves]
    rows = [("public", i, "plain", "2026-09", 0, data, hashes[i]) for i, data in enumerate(leaves)]
    await log.database.writer.execute("select ledger_add_partitions('public', $1, 256)", SIZE)
    await log.database.writer.executemany("insert into ledger_entries values ($1, $2, $3, $4, $5, $6, $7)", rows)
    async with log.database.signer.acquire() as connection:
        grown = await edges.tile_growth("public", connection, 0, SIZE)
        await connection.executemany("insert into ledger_tiles values ('public', $1, $2, $3)", grown)
    root = merkle.root(hashes)
    await log.insert_checkpoint(SIZE, root, KEY.sign(checkpoint.Checkpoint(KEY.name, SIZE, root).text()))


async def served_tiles(edge: Edge) -> dict[str, str]:
    """Every tile that a log of this size has, as it is served, by its path."""
    paths = [
        tiles.path(level, n, tiles.width(level, n, SIZE))
        for level in range(2)
        for n in range(math.ceil(SIZE / tiles.TILE_WIDTH ** (level + 1)))
    ]
    return {path: encode_base64((await edge.get(f"/ledger/{path}")).body) for path in paths}


async def served_inclusion(edge: Edge, index: int) -> dict[str, object]:
    text = (await edge.get(f"/api/v1/ledger/proof/{index}")).body.decode()
    return {"index": index, "path": [encode_base64(node) for node in proof.parse_tlog_proof(text).path]}


async def served_consistency(edge: Edge, old_size: int) -> dict[str, object]:
    answer = (await edge.get(f"/api/v1/ledger/consistency?from={old_size}")).json()
    return {"old_size": old_size, "old_root": answer["root_from"], "path": answer["proof"]}


async def test_go_agrees_with_every_tile_and_proof_that_is_served(log: SmallLog, edge: Edge, oracle: Path) -> None:
    await plain_leaves(log)
    newest = (await edge.get("/api/v1/ledger/consistency?from=1")).json()
    request: dict[str, Any] = {
        "size": SIZE,
        "root": newest["root_to"],
        "note": newest["checkpoint"],
        "vkey": KEY.vkey,
        "seed": encode_base64(bytes(range(32))),
        "tiles": await served_tiles(edge),
        "inclusion": [await served_inclusion(edge, size - 1) for size in OLD_SIZES],
        "consistency": [await served_consistency(edge, size) for size in OLD_SIZES],
    }
    assert ask(oracle, request)["problems"] == []
    request["consistency"][3]["path"][0] = encode_base64(bytes(32))
    assert "consistency from 256" in "\n".join(ask(oracle, request)["problems"])
