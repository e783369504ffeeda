"""The sidecar: the rows that stand beside the entries, kept with the published files, sealed (attacks E7).

Entries alone do not bring a log back: without keys, claims, stream versions and the inbox's marks a notice that the
provider sends again would be booked twice, and without slots and batch signatures the entries could neither be opened
nor vouched for. File `sidecar/<n>` belongs to entry bundle `n` and grows with it; it is written before the checkpoint.
What was erased stays erased: slots are sealed under keys of their own, which lie in no file here.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

import sql
from ledger import growth, tiles
from ledger.errors import MalformedError
from ledger.tiles import TILE_WIDTH
from server.vault.subjects import KEY_ID_PREFIXES, CopiedKey

if TYPE_CHECKING:
    import asyncpg

    from ledger.types import LogName
    from server.files.store import FileStore
    from server.vault.subjects import SubjectKeys

VERSION = 1
BYTES_MAX = 64 * 1024 * 1024
PARTS = ("batches", "slots", "streams", "keys", "claims", "inbox", "fees", "anchors", "effects", "covered", "people")
_ENTRIES, _SIDECAR = "tile/entries/", "sidecar/"

_files = sql.load("files")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of the entries `[first, end)`, by part; bytes are hexadecimal, as Postgres writes them in JSON."""

    first: int
    end: int
    parts: Mapping[str, list[Row]]

    def __getitem__(self, part: str) -> list[Row]:
        return self.parts[part]


class Sidecar:
    """Keeps the rows of one log; a server.files.tilewriter.Beside. `files` seals; `pool` reads every part.

    With the slots go the keys of `people` that seal them, wrapped as a backup has them (attacks D2): they open nothing
    once their epoch is destroyed, and an erased one is never taken in again.
    """

    def __init__(self, pool: asyncpg.Pool, log: LogName, files: FileStore, people: SubjectKeys | None = None) -> None:
        self._people = people
        self._pool = pool
        self._log = log
        self._files = files

    async def keep(self, first: int, end: int) -> None:
        """See Beside. Rows may have changed since they were kept: what is there is written over, never merged."""
        for start in range(first, end, TILE_WIDTH):
            stop = min(start + TILE_WIDTH, end)
            rows = await self._pool.fetchval(_files.beside, self._log, start, stop)
            data = await asyncio.to_thread(self._packed, start, stop, orjson.loads(rows))
            await self._files.write(path(start, stop), data)

    def _packed(self, first: int, end: int, parts: dict[str, list[Row]]) -> bytes:
        key_ids = {box["key_id"] for row in parts["slots"] for box in row["boxes"]}
        named = [key_id for key_id in sorted(key_ids) if key_id.startswith(KEY_ID_PREFIXES)]
        parts["people"] = [as_row(copy) for copy in self._people.copies(named)] if self._people is not None else []
        return encode(self._log, first, end, parts)

    async def forget(self, old_size: int, new_size: int) -> None:
        """See Beside."""
        folders = [name for name in growth.outgrown(old_size, new_size) if name.startswith(_ENTRIES)]
        await self._files.remove([name.replace(_ENTRIES, _SIDECAR) for name in folders])


async def read(files: FileStore, log: LogName, first: int, end: int) -> Rows:
    """The rows of the bundle that begins at `first` and holds entries up to `end`.

    Raises LookupError when the file is not there, MalformedError when it is not of this range, and the vault's errors.
    """
    name = path(first, end)
    held = await files.read(name)
    if held is None:
        raise LookupError(name)
    return await asyncio.to_thread(decode, log, first, end, held.data)


def path(first: int, end: int) -> str:
    """Where the rows of the bundle that begins at `first` and reaches `end` lie."""
    return tiles.entries_path(first // TILE_WIDTH, end - first).replace(_ENTRIES, _SIDECAR)


def as_row(copy: CopiedKey) -> Row:
    """A person's key as a row of the part `people`."""
    return {
        "id": copy.id,
        "group": copy.group,
        "name": None if copy.name is None else copy.name.hex(),
        "aliases": [alias.hex() for alias in copy.aliases],
        "epoch": copy.epoch,
        "wrapped": copy.wrapped.hex(),
    }


def as_copy(row: Row) -> CopiedKey:
    """A row of the part `people` as a person's key. ValueError, KeyError or TypeError for what is none."""
    name = None if row["name"] is None else bytes.fromhex(row["name"])
    aliases = tuple(bytes.fromhex(alias) for alias in row["aliases"])
    return CopiedKey(row["id"], row["group"], name, aliases, row["epoch"], bytes.fromhex(row["wrapped"]))


def encode(log: LogName, first: int, end: int, parts: Mapping[str, list[Row]]) -> bytes:
    """The file's bytes, before they are sealed. `parts` is what the query `beside` gives, and `people`."""
    head = orjson.dumps({"v": VERSION, "log": log, "first": first, "end": end})
    return zlib.compress(head + b"\n" + orjson.dumps(parts), 1)


def decode(log: LogName, first: int, end: int, data: bytes) -> Rows:
    """Read a file back. MalformedError when it is not one, or not of this log and range."""
    name = path(first, end)
    try:
        unpacker = zlib.decompressobj()
        head, _, rows = unpacker.decompress(data, BYTES_MAX).partition(b"\n")
        is_whole = unpacker.eof and not unpacker.unused_data
        says, parts = orjson.loads(head), orjson.loads(rows)
    except (zlib.error, ValueError) as error:
        raise MalformedError(f"{name} of {log} is not a sidecar ({error})") from None
    if not is_whole or says != {"v": VERSION, "log": log, "first": first, "end": end}:
        raise MalformedError(f"{name} of {log} is of another range: {says!r}"[:200])
    if not isinstance(parts, dict) or not all(isinstance(parts.get(part), list) for part in PARTS):
        raise MalformedError(f"{name} of {log} lacks one of {', '.join(PARTS)}")
    return Rows(first, end, parts)
