"""/ledger/ as a stranger's strict client meets it, at every awkward size, and as a hostile one does."""

from __future__ import annotations

import base64

import pytest

from tests.server.http.serving import Edge, assert_problem
from tests.server.public.c2sp_client import TileClient, leaf, tree_hash, verify_proof
from tests.server.public.small_log import KEY, ORIGIN, SmallLog


async def check_everything(edge: Edge, size: int) -> list[bytes]:
    """Recompute the tree over HTTP in every way that tiles allow; returns the entries."""
    client = TileClient(edge)
    checkpoint = await client.checkpoint(KEY.vkey)
    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, size)
    entries = await client.entries(size)
    leaves = await client.level(0, size)
    assert [leaf(entry) for entry in entries] == leaves
    assert tree_hash(leaves) == checkpoint.root
    assert await client.level(1, size) == [tree_hash(leaves[i : i + 256]) for i in range(0, size // 256 * 256, 256)]
    return entries


async def test_a_stranger_recomputes_the_root_and_every_proof_at_every_awkward_size(log: SmallLog, edge: Edge) -> None:
    for size in (255, 256, 257, 600):
        await log.grow(size)
        await log.sign()
        entries = await check_everything(edge, size)
        for position in {0, 1, 127, 128, 253, 254, size // 2, size - 2, size - 1}:
            answer = await edge.get(f"/api/v1/ledger/proof/{position}")
            assert answer.status == 200
            assert verify_proof(answer.body.decode(), entries[position], KEY.vkey).size == size


async def test_before_the_first_entry_there_is_no_checkpoint_and_no_tile(edge: Edge) -> None:
    answer = await edge.get("/ledger/checkpoint")
    assert_problem(answer, 404, "checkpoint-not-yet")
    assert int(answer.headers["retry-after"]) > 0
    assert (await edge.get("/ledger/keys")).body == b""
    for path in ("tile/0/000", "tile/0/000.p/1", "tile/entries/000.p/1", "tile/1/000.p/1"):
        assert_problem(await edge.get(f"/ledger/{path}"), 404, "tile-not-yet")


async def test_a_log_of_one_entry_is_served(log: SmallLog, edge: Edge) -> None:
    await log.begin()
    first = (await edge.get("/api/v1/ledger/entries/0")).body
    # Genesis is one batch, so the signer itself never stops at size 1.
    note = KEY.sign(f"{ORIGIN}\n1\n{base64.b64encode(leaf(first)).decode()}\n")
    await log.insert_checkpoint(1, leaf(first), note)
    assert await check_everything(edge, 1) == [first]
    assert verify_proof((await edge.get("/api/v1/ledger/proof/0")).body.decode(), first, KEY.vkey).size == 1
    assert_problem(await edge.get("/ledger/tile/0/000.p/2"), 404, "tile-not-yet")


async def test_nothing_beyond_the_newest_checkpoint_is_served(log: SmallLog, edge: Edge) -> None:
    await log.grow(60)
    await log.sign()
    await log.grow(300)
    for path in ("tile/0/000", "tile/0/000.p/61", "tile/entries/000", "tile/entries/001.p/1", "tile/1/000.p/1"):
        answer = await edge.get(f"/ledger/{path}")
        assert_problem(answer, 404, "tile-not-yet")
        assert int(answer.headers["retry-after"]) > 0
    assert (await edge.get("/ledger/tile/0/000.p/60")).status == 200


async def test_a_partial_tile_stays_after_the_full_one_is_there(log: SmallLog, edge: Edge) -> None:
    await log.grow(512)
    await log.sign()
    full = (await edge.get("/ledger/tile/0/000")).body
    for width in (1, 100, 255):
        assert (await edge.get(f"/ledger/tile/0/000.p/{width}")).body == full[: 32 * width]
    assert (await edge.get("/ledger/tile/1/000.p/1")).body == (await edge.get("/ledger/tile/1/000.p/2")).body[:32]


HOSTILE = [
    "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x", "tile/0/x000", "tile/0/x000/000", "tile/0/x001", "tile/0/-01",
    "tile/0/000/", "tile/0//000", "tile//0/000", "tile/00/000", "tile/01/000", "tile/64/000", "tile/-1/000",
    "tile/0/+00", "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/257",
    "tile/0/000.p/01",
    "tile/0/000.p/1/", "tile/0/000.p/-1", "tile/0/000.p/1e2", "tile/0/000.P/1", "tile/0/000.p/%31", "tile/0/%30%30%30",
    "tile/0/..", "tile/0/../0/000", "tile/0/%2e%2e/0/000", "tile/0/%2E%2E%2F000", "tile/entries/..%2f..%2fetc",
    "tile/data/000", "tile/entries/0", "tile/entries/000.p/256", "tile/entries/000.p/0",
    "tile/0/" + "x999/" * 400 + "999", "tile/0/x999/x999/x999/x999/x999/x999/999",
    "tile/" + "9" * 4000 + "/000", "tile/0/000.p/" + "9" * 4000,
    "tile/0/\u0660\u0660\u0660", "tile/0/000%00", "tile/0/000;a=b", "tile/8/0/000",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE, ids=range(len(HOSTILE)))
async def test_another_spelling_of_a_tile_is_refused(edge: Edge, path: str) -> None:
    answer = await edge.raw(f"GET /ledger/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert answer.status in (400, 404), answer.body
    assert answer.content_type == "application/problem+json"


async def test_a_tile_far_beyond_any_log_is_not_there_yet(edge: Edge) -> None:
    for path in (
        "tile/63/000",
        "tile/7/x999/999",
        "tile/0/x999/x999/x999/x999/999",
        "tile/entries/x999/x999/x999/x999/999",
    ):
        assert_problem(await edge.get(f"/ledger/{path}"), 404, "tile-not-yet")


async def test_the_checkpoint_is_kept_for_a_moment_and_can_be_asked_about_again(log: SmallLog, edge: Edge) -> None:
    await log.grow(30)
    await log.sign()
    first = await edge.get("/ledger/checkpoint")
    assert first.headers["cache-control"] == "public, max-age=1"
    assert (await edge.get("/ledger/checkpoint", If_None_Match=first.headers["etag"])).status == 304
    await log.grow(31)
    await log.sign()
    assert (await edge.get("/ledger/checkpoint", If_None_Match=first.headers["etag"])).status == 200


async def test_tiles_are_for_ever_and_can_be_asked_about_again(log: SmallLog, edge: Edge) -> None:
    await log.grow(300)
    await log.sign()
    for path in ("/ledger/tile/0/000", "/ledger/tile/entries/000"):
        answer = await edge.get(path, Accept_Encoding="identity")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert (await edge.get(path, Accept_Encoding="identity", If_None_Match=answer.headers["etag"])).status == 304
        head = await edge.request("HEAD", path, headers={"Accept-Encoding": "identity"})
        assert (head.body, head.headers["content-length"]) == (b"", str(len(answer.body)))


async def test_the_keys_are_those_that_the_log_itself_names(log: SmallLog, edge: Edge) -> None:
    await log.begin()
    assert await TileClient(edge).keys() == [[KEY.vkey, "0", "-"]]
