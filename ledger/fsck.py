"""Judging a log where it is kept: every entry by the verifier's rules, and every row beside it by the entries.

It reads one snapshot and changes nothing, so it runs beside the service. What it cannot see are owners of postings and
the insides of sealed slots: the bytes do not show them. Memory does not grow with the log, only with what it declares.
"""

from __future__ import annotations

import asyncio
from binascii import a2b_base64
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

import sql
from ledger import checkpoint, merkle, note
from ledger.batches import statement, verifies
from ledger.errors import EntryError, NoteError
from ledger.grammar import HASH_BYTES
from ledger.note import SignatureInvalid, SignatureMissing
from ledger.rules import RuleRow, rule_rows
from ledger.tiles import TILE_HEIGHT, TILE_WIDTH
from ledger.types import Head, LogName
from ledger.verify import EntryChecker

if TYPE_CHECKING:
    import asyncpg
    from asyncpg import Record as Row

PAGE_ENTRIES = 2_048
FAULTS_MAX = 100

_fsck = sql.load("fsck")
_ledger = sql.load("ledger")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as the entries say. `position` is None where it is about the log as a whole."""

    log: LogName
    code: str
    position: int | None
    sentence: str


@dataclass(slots=True)
class Judged:
    """What was found in one log. `size` entries were read; `faults` are at most FAULTS_MAX."""

    log: LogName
    size: int = 0
    root_hash: bytes = merkle.EMPTY_ROOT
    checkpoints: int = 0
    faults: list[Fault] = field(default_factory=list)

    def add(self, code: str, position: int | None, sentence: str) -> None:
        """Note a fault."""
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(Fault(self.log, code, position, sentence))


async def judge(
    connection: asyncpg.Connection,
    log: LogName,
    *,
    batch_public: bytes | None = None,
    progress: Callable[[int, int], None] = lambda _done, _size: None,
) -> Judged:
    """Judge one log inside the transaction that the caller has begun, repeatable read and read only.

    `batch_public` is the writer's public key, which the database does not hold; without it signatures of batches are
    not looked at. `progress` is told (entries read, size) after every page. LookupError when there is no such log.
    """
    row = await connection.fetchrow(_ledger.head, log)
    if row is None:
        raise LookupError(f"the log {log} was not created")
    fields = dict(row)
    fields.pop("mode")
    inspection = _Inspection(connection, Head(**fields), batch_public)
    await inspection.replay(progress)
    if inspection.whole:
        await inspection.compare()
    return inspection.judged


@dataclass(frozen=True, slots=True)
class _Page:
    """Entries that follow one another, and what stands beside them by position or, for checkpoints, by size."""

    rows: list[Row]
    batches: Mapping[int, Row]
    slots: Mapping[int, bytes]
    heads: Mapping[int, Row]


class _Inspection:
    def __init__(self, connection: asyncpg.Connection, head: Head, batch_public: bytes | None) -> None:
        self.judged = Judged(head.log)
        self.whole = False
        self._connection = connection
        self._head = head
        self._batch_public = batch_public
        self._checker = EntryChecker(head.origin, head.log)
        self._batched = 0
        self._batch: Row | None = None
        self._rules: dict[tuple[str, str], RuleRow] = {}
        self._tiles: dict[tuple[int, int], bytearray] = defaultdict(bytearray)

    async def replay(self, progress: Callable[[int, int], None]) -> None:
        """Read every entry and what stands beside it, page by page; `whole` if no entry broke a rule."""
        size = self._head.size
        page = await self._read(0)
        while self._checker.size < size:
            first = self._checker.size
            if not page.rows:
                self.judged.add("truncated", first, f"the head says {size} entries, entry {first} is not there")
                return
            # The database reads the next page while this process judges the one at hand.
            ahead = asyncio.create_task(self._read(page.rows[-1]["position"] + 1))
            await asyncio.sleep(0)
            try:
                is_good = all(self._judge_row(row, page) for row in page.rows)
            finally:
                page = await ahead
            if not is_good:
                return
            await self._judge_full_tiles()
            progress(self._checker.size, size)
        self.whole = True
        self.judged.root_hash = self._checker.frontier.root()

    async def _read(self, first: int) -> _Page:
        log, size = self._head.log, self._head.size
        count = max(0, min(PAGE_ENTRIES, size - first))
        rows = await self._connection.fetch(_fsck.page, log, first, count) if count else []
        if not rows:
            return _Page([], {}, {}, {})
        end = rows[-1]["position"] + 1
        return _Page(
            rows,
            {r["first"]: r for r in await self._connection.fetch(_fsck.batches, log, first, end)},
            {r[0]: r[1] for r in await self._connection.fetch(_fsck.slots, log, first, end)},
            {r["size"]: r for r in await self._connection.fetch(_fsck.checkpoints, log, first, end)},
        )

    def _judge_row(self, row: Row, page: _Page) -> bool:
        if not self._judge_entry(row, page.batches, page.slots):
            return False
        if self._checker.size in page.heads:
            self._judge_checkpoint(page.heads[self._checker.size])
        return True

    async def compare(self) -> None:
        """Hold head, balances, rules, tiles and indexes against what the entries said."""
        self._compare_head()
        await self._compare_balances()
        await self._compare_rules()
        await self._compare_edge_tiles()
        log, size = self._head.log, self._head.size
        for row in await self._connection.fetch(_fsck.broken_streams, log, FAULTS_MAX):
            name = row["stream"].hex()[:16]
            self.judged.add("stream-broken", None, f"stream {name}… has other entries than its version says")
        for row in await self._connection.fetch(_fsck.dangling, log, size, FAULTS_MAX):
            self.judged.add("row-dangling", row["position"], f"{row['kind']} speaks of an entry that is not there")
        if (month := self._checker.overdue()) is not None:
            self.judged.add("period-unclosed", size, f"{month} ended more than 20 days ago and is not closed")

    def _judge_entry(self, row: Row, batches: Mapping[int, Row], slots: Mapping[int, bytes]) -> bool:
        """Whether the entry keeps every rule, so that the next one can be judged at all."""
        position = self._checker.size
        if row["position"] != position:
            self.judged.add("position-mismatch", position, f"entry {position} is not there, {row['position']} follows")
            return False
        data: bytes = row["bytes"]
        found = self._checker.skim(position, data)
        if found is None:
            try:
                entry = self._checker.check(position, data)
            except EntryError as error:
                self.judged.add(error.code, position, error.detail)
                return False
            private_root = entry.private_root
            read = (entry.type, entry.period, entry.at_us)
            if entry.type.startswith("ledger."):
                self._rules.update(((r.kind, r.name), r) for r in rule_rows(entry, self._checker.declared))
        else:
            private_root = None if found.private_root is None else a2b_base64(found.private_root)
            read = found[:3]
        if row["leaf_hash"] != self._checker.prev or (row["type"], row["period"], row["at_us"]) != read:
            self.judged.add("column-mismatch", position, "type, period, time or hash beside the bytes are not theirs")
        if private_root is not None or position in slots:
            self._judge_slots(position, private_root, slots.get(position))
        self._judge_batch(position, batches)
        for level, index, digest in self._checker.completed:
            if level and level % TILE_HEIGHT == 0:
                self._tiles[level // TILE_HEIGHT, index // TILE_WIDTH] += digest
        self.judged.size = self._checker.size
        return True

    def _judge_slots(self, position: int, private_root: bytes | None, slot_hashes: bytes | None) -> None:
        hashes = slot_hashes or b""
        parts = [hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES)]
        if private_root is not None and slot_hashes is None:
            self.judged.add("private-invalid", position, "the entry has private fields, their hashes are not there")
        elif private_root is None or merkle.root(parts) != private_root:
            self.judged.add("private-invalid", position, "the stored slot hashes are not those that the entry names")

    def _judge_batch(self, position: int, batches: Mapping[int, Row]) -> None:
        """Batches follow one another without a hole, each signed over its last entry's hash."""
        if position == self._batched:
            self._batch = batches.get(position)
            if self._batch is None:
                self.judged.add("batch-missing", position, "no batch of the writer begins here")
                self._batched = position + 1
                return
            self._batched = self._batch["last"] + 1
        batch = self._batch
        if batch is None or position != batch["last"] or self._batch_public is None:
            return
        text = statement(self._head.origin, batch["epoch"], batch["first"], position, self._checker.prev)
        if not verifies(self._batch_public, text, batch["signature"]):
            self.judged.add("batch-unsigned", position, "the writer's key did not sign the batch that ends here")

    def _judge_checkpoint(self, row: Row) -> None:
        size = row["size"]
        self.judged.checkpoints += 1
        allowed = self._checker.declared.keys.signers(size)
        try:
            head = checkpoint.parse(note.open(row["note"], allowed).text)
        except (SignatureInvalid, SignatureMissing) as error:
            self.judged.add(error.code, size, f"the checkpoint of {size} entries: {error}")
            return
        except NoteError as error:
            self.judged.add("checkpoint-malformed", size, str(error))
            return
        root = self._checker.frontier.root()
        if (head.origin, head.size, head.root_hash) != (self._head.origin, size, root) or row["root_hash"] != root:
            self.judged.add("root-mismatch", size, f"the checkpoint of {size} entries is not of these entries")

    async def _judge_full_tiles(self) -> None:
        for key in [key for key, hashes in self._tiles.items() if len(hashes) == TILE_WIDTH * HASH_BYTES]:
            await self._judge_tile(key, bytes(self._tiles.pop(key)))

    async def _judge_tile(self, key: tuple[int, int], hashes: bytes) -> None:
        level, n = key
        stored = await self._connection.fetchval(_fsck.tile, self._head.log, level, n)
        if hashes and (stored or b"")[: len(hashes)] != hashes:
            position = n * TILE_WIDTH << TILE_HEIGHT * level
            self.judged.add("tile-mismatch", position, f"tile {level}/{n} does not hold the hashes of its entries")

    def _compare_head(self) -> None:
        head, checker = self._head, self._checker
        at_us = checker.last_at_us if checker.size else head.last_at_us
        if (head.last_leaf_hash, head.last_at_us) != (checker.prev, at_us):
            self.judged.add("head-mismatch", None, "the head row names another newest entry, or another time of it")
        newest = max((row.position for row in self._rules.values()), default=-1)
        if head.rules_position < newest:
            self.judged.add("head-mismatch", newest, "the head row does not know of the newest change of the rules")

    async def _compare_balances(self) -> None:
        rows = await self._connection.fetch(_ledger.all_balances, self._head.log)
        stored = {(r[0], r[1], r[2]): int(r[3]) for r in rows if r[3]}
        replayed = self._checker.balances.through()
        for triple in sorted(stored.keys() | replayed.keys()):
            if stored.get(triple, 0) != replayed.get(triple, 0):
                found, right = stored.get(triple, 0), replayed.get(triple, 0)
                self.judged.add("balance-mismatch", None, f"{' '.join(triple)}: {found} is kept, {right} was posted")

    async def _compare_rules(self) -> None:
        rows = await self._connection.fetch(_fsck.rules, self._head.log)
        stored = {(r["kind"], r["name"]): (r["position"], _plain(r["data"])) for r in rows}
        replayed = {key: (rule.position, _plain(rule.data)) for key, rule in self._rules.items()}
        for key in sorted(stored.keys() | replayed.keys()):
            if stored.get(key) != replayed.get(key):
                where = replayed.get(key, stored.get(key, (None, None)))[0]
                self.judged.add("rules-mismatch", where, f"{key[0]} {key[1][:80]}: the index is not what entries say")

    async def _compare_edge_tiles(self) -> None:
        """Tiles at the right edge reach as far as the newest checkpoint."""
        signed = await self._connection.fetchval(_fsck.signed_size, self._head.log)
        for (level, n), hashes in sorted(self._tiles.items()):
            width = (signed >> TILE_HEIGHT * level) - n * TILE_WIDTH
            await self._judge_tile((level, n), bytes(hashes[: max(0, width) * HASH_BYTES]))


def _plain(data: object) -> object:
    """JSON as it was read, whether the driver gave its text or its value."""
    return orjson.loads(data if isinstance(data, str) else orjson.dumps(data))
