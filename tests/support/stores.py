"""Stores under one contract: born logs in memory, in Postgres and in the simulation, with the same handles on all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

import sql
from ledger.grammar import encode_base64
from ledger.guards import BalanceKey
from ledger.memory import Accompanied, MemoryStore
from ledger.postings import balances_hash
from ledger.reader import LogReader
from ledger.types import Appended, Command, Draft, LogName, OwnedPosting
from ledger.verify import EntryChecker
from tests.simulation.database import Database as Simulated
from tests.simulation.database import Pool
from tests.simulation.tables import Row, Transaction
from tests.support.logs import EMPTY_SLOTS, born_log, born_memory, clock_us, public_gift
from tests.support.postgres import Server, opened

NOTED = "create table noted (name text, first bigint, count int, fresh bool); grant all on noted to secondwind_writer"
COMPANIONS = {
    "note": "insert into noted select p ->> 'name', f, c, d"
    " from unnest($1::jsonb[], $2::bigint[], $3::int[], $4::bool[]) as t (p, f, c, d)",
    "check": "select 1 / (p ->> 'n')::int"
    " from unnest($1::jsonb[], $2::bigint[], $3::int[], $4::bool[]) as t (p, f, c, d)",
}


@dataclass(slots=True)
class Subject:
    """A store under test. `log` is the default log's; `born` makes another one beside it."""

    append: Callable[[Command], Awaitable[Appended]]
    reader: MemoryStore | LogReader
    balances: Callable[[], Awaitable[dict[BalanceKey, int]]]
    noted: Callable[[], Awaitable[list[tuple[str, int, int, bool]]]]
    halt: Callable[[str], Awaitable[None]]
    close: Callable[[], Awaitable[None]]

    async def give(self, amount: int = 2_500, *, fund: str = "rent", **command: Any) -> Appended:
        return await self.append(Command((public_gift(amount, fund=fund),), **command))

    async def closing(self, month: str) -> Draft:
        """The draft that closes `month` as things stand."""
        checker = await self.checker()
        data = {
            "balances": encode_base64(balances_hash(checker.balances.through(month))),
            "registry": encode_base64(checker.registry.sha256()),
        }
        return Draft("ledger.period.closed.v1", data, period=month)

    async def size(self) -> int:
        return (await self.reader.existing_head()).size

    async def verified(self) -> int:
        """Hold every entry against the verifier's own rules; how many there are."""
        return (await self.checker()).size

    async def checker(self) -> EntryChecker:
        """The verifier's rules after every entry, each of which they allow."""
        head = await self.reader.existing_head()
        checker = EntryChecker(head.origin, head.log)
        for entry in await self.reader.entries(0):
            checker.check(entry.position, entry.bytes)
            assert entry.leaf_hash == checker.prev
        assert (checker.size, checker.prev, checker.last_at_us) == (head.size, head.last_leaf_hash, head.last_at_us)
        return checker


@dataclass(slots=True)
class Maker:
    """Makes born logs in one of the ways."""

    kind: str
    server: Server

    @asynccontextmanager
    async def born(self, log: LogName = "public") -> AsyncIterator[Subject]:
        if self.kind == "simulated":
            make = in_simulation(log)
        else:
            make = in_memory(log) if self.kind == "memory" else in_postgres(self.server, log)
        async with make as subject:
            yield subject


@asynccontextmanager
async def in_memory(log: LogName) -> AsyncIterator[Subject]:
    rows: list[tuple[str, int, int, bool]] = []

    def note(row: Accompanied) -> None:
        rows.append((str(row.payload["name"]), row.first, row.count, row.fresh))

    def check(row: Accompanied) -> None:
        assert row.payload["n"] != 0

    async with born_memory(log, companions={"note": note, "check": check}) as store:

        async def balances() -> dict[BalanceKey, int]:
            return dict(store.balances)

        async def noted() -> list[tuple[str, int, int, bool]]:
            return rows

        async def halt(reason: str) -> None:
            store.halt(reason)

        yield Subject(store.append, store, balances, noted, halt, store.close)


@asynccontextmanager
async def in_postgres(server: Server, log: LogName) -> AsyncIterator[Subject]:
    async with opened(server) as database:
        admin = await asyncpg.connect(server.admin_url(await database.writer.fetchval("select current_database()")))
        await admin.execute(NOTED)

        async def balances() -> dict[BalanceKey, int]:
            rows = await admin.fetch("select account, owner, asset, fund, balance from ledger_balances")
            return {(r["account"], r["owner"], r["asset"], r["fund"]): int(r["balance"]) for r in rows}

        async def noted() -> list[tuple[str, int, int, bool]]:
            return [tuple(row) for row in await admin.fetch("select name, first, count, fresh from noted")]

        async def halt(reason: str) -> None:
            await admin.execute("update ledger_heads set halted = $1", reason)

        try:
            async with born_log(database.writer, log, companions=COMPANIONS) as made:
                yield Subject(made.writer.append, made.reader, balances, noted, halt, made.writer.close)
        finally:
            await admin.close()


@asynccontextmanager
async def in_simulation(log: LogName) -> AsyncIterator[Subject]:
    """The real writer and reader on the database that the simulation models, without its troubles."""
    rows: list[tuple[str, int, int, bool]] = []

    async def note(tx: Transaction, _now_us: int, payloads: list[str], *rest: list[Any]) -> list[Row]:
        tx.notes += [(orjson.loads(p)["name"], *values) for p, *values in zip(payloads, *rest, strict=True)]
        return []

    async def check(_tx: Transaction, _now_us: int, payloads: list[str], *_rest: list[Any]) -> list[Row]:
        if any(orjson.loads(payload)["n"] == 0 for payload in payloads):
            raise asyncpg.DivisionByZeroError("division by zero")
        return []

    database = Simulated(clock_us)
    database.delay = lambda: 0.0
    database.handlers |= {COMPANIONS["note"]: note, COMPANIONS["check"]: check}
    database.tables.on_commit = lambda tx: rows.extend(tx.notes)
    pool: Any = Pool(database)

    async def balances() -> dict[BalanceKey, int]:
        found = database.tables.table("balances")
        return {
            (account, owner, asset, fund): row["balance"] for (_, account, asset, fund, owner), row in found.items()
        }

    async def noted() -> list[tuple[str, int, int, bool]]:
        return rows

    async def halt(reason: str) -> None:
        await pool.execute(sql.load("ledger").halt, log, reason)

    async with born_log(pool, log, companions=COMPANIONS) as made:
        yield Subject(made.writer.append, made.reader, balances, noted, halt, made.writer.close)


def moved(amount: int) -> tuple[OwnedPosting, OwnedPosting]:
    """Postings that set money of the fund `rent` aside."""
    return (
        OwnedPosting("assets:float:help", "USD/2", "rent", amount),
        OwnedPosting("assets:cash", "USD/2", "rent", -amount),
    )


def spend(amount: int, *guards: str) -> Command:
    """Set money aside."""
    return Command(
        (Draft("giving.gift.received.v1", {"via": "bank"}, moved(amount), private=EMPTY_SLOTS),), guards=guards
    )
