"""A stranger's client: c2sp.org/tlog-tiles, signed-note and tlog-proof from their specifications, none of our library.

Strict where the specifications are: sizes, widths, media types, canonical numbers, no byte to spare.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass

from nacl.signing import VerifyKey

from tests.server.http.serving import Answer, Edge

HASH = 32
WIDTH = 256


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def tree_hash(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, over leaf hashes, as it is written there."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node(tree_hash(hashes[:split]), tree_hash(hashes[split:]))


def tile_name(number: int) -> str:
    groups = []
    while True:
        groups.append(f"{number % 1000:03}")
        number //= 1000
        if number == 0:
            break
    return "/".join([*(f"x{group}" for group in reversed(groups[1:])), groups[0]])


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes


def open_checkpoint(note: bytes, vkey: str) -> Checkpoint:
    """Verify a checkpoint's Ed25519 signature by `vkey` and read it."""
    name, key_id, encoded = vkey.split("+", 2)
    material = base64.b64decode(encoded, validate=True)
    assert material[0] == 1
    assert hashlib.sha256(name.encode() + b"\n" + material).digest()[:4].hex() == key_id
    text, _, signatures = note.decode("utf-8").rpartition("\n\n")
    text += "\n"
    assert signatures.endswith("\n")
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", note.decode())
    blobs = [
        base64.b64decode(line.rpartition(" ")[2], validate=True)
        for line in signatures.splitlines()
        if line.startswith(f"\u2014 {name} ")
    ]
    (blob,) = [blob for blob in blobs if blob[:4].hex() == key_id]
    VerifyKey(material[1:]).verify(text.encode(), blob[4:])
    origin, size, root, *extensions = text.split("\n")[:-1]
    assert not extensions
    assert re.fullmatch(r"0|[1-9][0-9]*", size)
    return Checkpoint(origin, int(size), base64.b64decode(root, validate=True))


class TileClient:
    """Reads a log under /ledger/ over HTTP."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def _get(self, path: str, media_type: str) -> Answer:
        answer = await self._edge.get(f"/ledger/{path}", Accept_Encoding="gzip")
        assert answer.status == 200, (path, answer.body)
        assert answer.content_type == media_type
        assert answer.headers["access-control-allow-origin"] == "*"
        return answer

    async def checkpoint(self, vkey: str) -> Checkpoint:
        answer = await self._get("checkpoint", "text/plain; charset=utf-8")
        return open_checkpoint(answer.body, vkey)

    async def keys(self) -> list[list[str]]:
        answer = await self._get("keys", "text/plain; charset=utf-8")
        return [line.split(" ") for line in answer.body.decode().splitlines()]

    async def level(self, level: int, size: int) -> list[bytes]:
        """Every hash of one level of tiles of a tree of `size`, full tiles full and the partial one partial."""
        hashes: list[bytes] = []
        count = size >> (8 * level)
        for number in range(-(-count // WIDTH)):
            width = min(WIDTH, count - number * WIDTH)
            suffix = "" if width == WIDTH else f".p/{width}"
            answer = await self._get(f"tile/{level}/{tile_name(number)}{suffix}", "application/octet-stream")
            assert "immutable" in answer.headers["cache-control"]
            assert len(answer.body) == width * HASH
            hashes += [answer.body[i : i + HASH] for i in range(0, len(answer.body), HASH)]
        return hashes

    async def entries(self, size: int) -> list[bytes]:
        """Every entry of a tree of `size`, from its bundles."""
        entries: list[bytes] = []
        for number in range(-(-size // WIDTH)):
            width = min(WIDTH, size - number * WIDTH)
            suffix = "" if width == WIDTH else f".p/{width}"
            answer = await self._get(f"tile/entries/{tile_name(number)}{suffix}", "application/octet-stream")
            bundle = gzip.decompress(answer.body) if answer.headers.get("content-encoding") == "gzip" else answer.body
            before = len(entries)
            while bundle:
                length = int.from_bytes(bundle[:2], "big")
                assert len(bundle) >= 2 + length
                entries.append(bundle[2 : 2 + length])
                bundle = bundle[2 + length :]
            assert len(entries) - before == width
        return entries


def verify_proof(text: str, entry: bytes, vkey: str) -> Checkpoint:
    """Verify a c2sp.org/tlog-proof of `entry`, by the algorithm of RFC 9162, 2.1.3.2."""
    head, _, note = text.partition("\n\n")
    first, index_line, *lines = head.split("\n")
    assert first == "c2sp.org/tlog-proof@v1"
    index = int(index_line.removeprefix("index "))
    path = [base64.b64decode(line, validate=True) for line in lines]
    checkpoint = open_checkpoint(note.encode(), vkey)
    assert 0 <= index < checkpoint.size
    place, last, result = index, checkpoint.size - 1, leaf(entry)
    for sibling in path:
        assert last > 0
        if place & 1 or place == last:
            result = node(sibling, result)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            result = node(result, sibling)
        place, last = place >> 1, last >> 1
    assert last == 0
    assert result == checkpoint.root
    return checkpoint
