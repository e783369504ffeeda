"""fsck: it says nothing about a good log, and of whatever is touched, what and where."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ledger import fsck, tiles
from ledger.canonical import leaf_hash
from ledger.fsck import Judged
from ledger.types import Claim, Command, Idempotency, LogName
from server.db import Database
from tests.support.loaded import KEY, load, unlock
from tests.support.logs import BATCH_SEED, BatchKey, born_log, public_gift
from tests.support.postgres import Server
from tests.vectors import log_v1

ROWS = json.loads((Path(__file__).parents[1] / "vectors" / "tamper.json").read_text())["rows"]
FROZEN = log_v1.public_log()


@pytest.fixture
async def admin(postgres_server: Server) -> AsyncIterator[asyncpg.Connection]:
    """A database of its own with the frozen public log in it, as its owner sees it."""
    async with postgres_server.fresh() as name:
        connection = await asyncpg.connect(postgres_server.admin_url(name))
        try:
            await load(connection, FROZEN)
            yield connection
        finally:
            await connection.close()


async def judged(connection: asyncpg.Connection, **options: Any) -> Judged:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await fsck.judge(connection, "public", batch_public=KEY.public, **options)


def told(result: Judged) -> list[tuple[str, int | None]]:
    return [(fault.code, fault.position) for fault in result.faults]


async def test_a_good_log_has_no_fault_and_is_read_whole(admin: asyncpg.Connection) -> None:
    seen: list[tuple[int, int]] = []
    result = await judged(admin, progress=lambda done, size: seen.append((done, size)))
    assert told(result) == []
    assert (result.size, result.root_hash) == (len(FROZEN.entries), FROZEN.checker.frontier.root())
    assert seen[-1] == (result.size, result.size)
    assert result.checkpoints == 1


@pytest.mark.parametrize("row", [row for row in ROWS if row["fsck"]], ids=lambda row: row["name"])
async def test_each_row_of_the_tamper_table_is_told(row: dict[str, Any], admin: asyncpg.Connection) -> None:
    await unlock(admin)
    bundle = next(data for path, data in row["files"].items() if "entries" in path)
    entries = split(base64.b64decode(bundle))
    for n, data in enumerate(entries):
        await admin.execute(
            "update ledger_entries set bytes = $2, leaf_hash = $3 where position = $1", 256 + n, data, leaf_hash(data)
        )
    await admin.execute("delete from ledger_entries where position >= $1", 256 + len(entries))
    assert told(await judged(admin))[0] == tuple(row["fsck"])


def split(bundle: bytes) -> list[bytes]:
    """The entries of a bundle, whatever they are."""
    found = []
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        found.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    return found


SIZE = len(FROZEN.entries)
SPOILT: dict[str, tuple[str, tuple[str, int | None]]] = {
    "an entry taken out": ("delete from ledger_entries where position = 40", ("position-mismatch", 40)),
    "a type beside its bytes": (
        "update ledger_entries set type = 'x.y.z.v1' where position = 40",
        ("column-mismatch", 40),
    ),
    "a hash beside its bytes": (
        "update ledger_entries set leaf_hash = sha256(leaf_hash) where position = 40",
        ("column-mismatch", 40),
    ),
    "slot hashes": (
        "update ledger_slots set slot_hashes = sha256('a') || substr(slot_hashes, 33) where position = 40",
        ("private-invalid", 40),
    ),
    "slots taken away": ("delete from ledger_slots where position = 40", ("private-invalid", 40)),
    "slots of an entry that has none": (
        "insert into ledger_slots select log, 3, slot_hashes, boxes from ledger_slots where position = 40",
        ("private-invalid", 3),
    ),
    "a balance": (
        "update ledger_balances set balance = balance + 1 where account = 'assets:cash'",
        ("balance-mismatch", None),
    ),
    "a balance that was never posted": (
        "insert into ledger_balances values ('public', 'assets:cash', '', 'USD/2', 'none', 5, 0)",
        ("balance-mismatch", None),
    ),
    "a rule": (
        "update ledger_rules set data = '{}' where kind = 'account' and name = 'assets:cash'",
        ("rules-mismatch", None),
    ),
    "a rule that no entry made": (
        "insert into ledger_rules values ('public', 'fund', 'yacht', 9, '{}')",
        ("rules-mismatch", 9),
    ),
    "the batch's signature": ("update ledger_batches set signature = sha512('a')", ("batch-unsigned", SIZE - 1)),
    "a batch that ends early": ("update ledger_batches set last = 100", ("batch-unsigned", 100)),
    "the checkpoint's root": ("update ledger_checkpoints set root_hash = sha256('a')", ("root-mismatch", SIZE)),
    "the checkpoint's note": (
        "update ledger_checkpoints set note = replace(note, size::text, '99')",
        ("signature-invalid", SIZE),
    ),
    "a checkpoint that is none": ("update ledger_checkpoints set note = 'x'", ("checkpoint-malformed", SIZE)),
    "a tile": ("update ledger_tiles set hashes = sha256('a')", ("tile-mismatch", 0)),
    "a tile taken away": ("delete from ledger_tiles", ("tile-mismatch", 0)),
    "the head's hash": ("update ledger_heads set last_leaf_hash = sha256('a')", ("head-mismatch", None)),
    "the head's time": ("update ledger_heads set last_at_us = last_at_us - 1", ("head-mismatch", None)),
    "the head's size": ("update ledger_heads set size = size + 1", ("truncated", SIZE)),
    "a head that forgot a change of rules": ("update ledger_heads set rules_position = 3", ("head-mismatch", None)),
    "a claim on an entry that is not there": (
        f"insert into ledger_claims values ('public', 'refund', sha256('a'), {SIZE})",
        ("row-dangling", SIZE),
    ),
    "an answer that is not there": (
        f"insert into ledger_idempotency values ('public', sha256('a'), sha256('b'), {SIZE - 1}, 2)",
        ("row-dangling", SIZE - 1),
    ),
    "a stream that lost an entry": (
        """insert into ledger_streams values ('public', sha256('a'), 2, 41);
        insert into ledger_stream_entries values ('public', sha256('a'), 2, 41)""",
        ("stream-broken", None),
    ),
    "a stream without a version": (
        "insert into ledger_stream_entries values ('public', sha256('a'), 1, 41)",
        ("stream-broken", None),
    ),
}


@pytest.mark.parametrize("what", SPOILT)
async def test_what_is_spoiled_in_the_database_is_told(what: str, admin: asyncpg.Connection) -> None:
    await unlock(admin)
    statement, expected = SPOILT[what]
    await admin.execute(statement)
    code, position = expected
    found = told(await judged(admin))
    assert any(c == code and (position is None or p == position) for c, p in found), found


async def test_faults_are_listed_up_to_a_limit(admin: asyncpg.Connection) -> None:
    await unlock(admin)
    await admin.execute("update ledger_entries set leaf_hash = sha256(leaf_hash)")
    result = await judged(admin)
    assert len(result.faults) == fsck.FAULTS_MAX
    assert result.size == SIZE


async def test_a_log_that_was_not_created_is_said(admin: asyncpg.Connection) -> None:
    with pytest.raises(LookupError, match="books"):
        await fsck.judge(admin, "books")


@pytest.mark.parametrize("log", ["public", "books"])
async def test_what_the_writer_leaves_behind_has_no_fault(log: LogName, database: Database) -> None:
    async with born_log(database.writer, log) as made:
        if log == "public":
            for n in range(30):
                command = Command(
                    (public_gift(n + 1), public_gift(7)),
                    stream=bytes([n % 3]) * 32,
                    idempotency=Idempotency(bytes([n]) * 32, b"r" * 32),
                    claims=(Claim("refund", bytes([n]) * 32),),
                )
                await made.writer.append(command)
        connection = await database.writer.acquire()
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                result = await fsck.judge(connection, log, batch_public=BatchKey(BATCH_SEED).public)
        finally:
            await database.writer.release(connection)
        assert told(result) == []
        assert result.size == (await made.reader.existing_head()).size


def test_tiles_of_the_frozen_log_reach_level_one() -> None:
    assert SIZE > tiles.TILE_WIDTH
