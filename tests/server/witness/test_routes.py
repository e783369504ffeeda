"""A witness on a real socket: every status of c2sp.org/tlog-witness, and hostile bodies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.note import SigningKey
from ledger.witness import REQUEST_BYTES_MAX
from server.vault import FileKeyStore
from server.witness.keeper import open_keeper
from server.witness.routes import routes
from tests.server.http.serving import Edge, assert_problem, serving
from tests.support.witnesses import FORKED, request, signed
from tests.vectors.trees import KEY

OTHER = SigningKey("other.example.org/ledger", bytes(32))
TWIN = SigningKey(KEY.name, bytes(32))
ADD = "/ledger/witness/add-checkpoint"


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    logs = {KEY.name: [KEY.verify_key]}
    keeper = open_keeper(FileKeyStore(tmp_path / "keys"), "w.example.org", logs, tmp_path / "witnessed", lambda: 1_000)
    async with serving(routes(keeper, "/ledger/witness")) as running:
        yield running


async def test_a_checkpoint_is_cosigned_and_served_with_the_line(edge: Edge) -> None:
    answer = await edge.request("POST", ADD, data=request(0, 3))
    assert (answer.status, answer.content_type) == (200, "text/plain; charset=utf-8")
    assert answer.body.startswith("\u2014 w.example.org ".encode())
    newest = await edge.get(f"/ledger/witness/{sha256(KEY.name.encode()).hexdigest()}/checkpoint")
    assert newest.body == signed(3).encode() + answer.body


async def test_a_conflict_tells_the_size_as_the_specification_says(edge: Edge) -> None:
    await edge.request("POST", ADD, data=request(0, 3))
    answer = await edge.request("POST", ADD, data=request(0, 5))
    assert (answer.status, answer.content_type, answer.body) == (409, "text/x.tlog.size", b"3\n")


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"", 400, "witness-request-malformed"),
        (b"\xff\x00", 400, "witness-request-malformed"),
        (request(3, 5).replace(b"old 3", b"old 6"), 400, "witness-request-malformed"),
        (request(0, 5).replace(KEY.line("x\n")[:30].encode(), b"x"), 400, "witness-request-malformed"),
        (f"old 0\n\n{signed(3, key=OTHER)}".encode(), 404, "log-not-witnessed"),
        (f"old 0\n\n{signed(3, key=TWIN)}".encode(), 403, "log-signature-missing"),
        (request(3, 8, FORKED), 422, "checkpoint-not-consistent"),
        (request(3, 8).replace(b"old 3\n", b"old 3\n" + b"A" * 43 + b"=\n"), 422, "checkpoint-not-consistent"),
        (request(3, 3, FORKED), 422, "checkpoint-not-consistent"),
        (b"x" * (REQUEST_BYTES_MAX + 1), 413, "body-too-large"),
    ],
)
async def test_every_refusal_is_a_problem_that_says_why(edge: Edge, body: bytes, status: int, slug: str) -> None:
    await edge.request("POST", ADD, data=request(0, 3))
    assert_problem(await edge.request("POST", ADD, data=body), status, slug)
    assert (await edge.request("POST", ADD, data=request(3, 8))).status == 200  # nothing was spoiled


async def test_a_body_that_never_ends_or_is_cut_changes_nothing(edge: Edge) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    head = f"POST {ADD} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
    answer = await edge.raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 4)
    assert_problem(answer, 413, "body-too-large")
    _, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(head + b"Content-Length: 500\r\n\r\n" + request(0, 3)[:100])
    await writer.drain()
    writer.close()
    assert (await edge.request("POST", ADD, data=request(0, 5))).status == 200


async def test_a_log_that_is_not_followed_has_no_checkpoint_here(edge: Edge) -> None:
    assert_problem(await edge.get(f"/ledger/witness/{'0' * 64}/checkpoint"), 404, "log-not-witnessed")
    assert_problem(await edge.get("/ledger/witness/..%2f..%2fkeys/checkpoint"), 400, "invalid-input")


async def test_a_directory_that_cannot_be_written_is_told_and_nothing_is_cosigned(edge: Edge, tmp_path: Path) -> None:
    (tmp_path / "witnessed").rename(tmp_path / "gone")
    answer = await edge.request("POST", ADD, data=request(0, 3))
    assert_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    (tmp_path / "gone").rename(tmp_path / "witnessed")
    assert (await edge.request("POST", ADD, data=request(0, 3))).status == 200
