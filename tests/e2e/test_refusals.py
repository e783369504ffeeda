"""Every reason not to start, met by the real command: exit 2, one sentence and its remedy, and nothing was touched."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from tests.server.cli.command_line import refused, run
from tests.server.test_db import pooled
from tests.support.giving import giving
from tests.support.postgres import TEMPLATE, Server
from tests.support.proxy import wire
from tests.support.service import service

pytestmark = pytest.mark.timeout(180)
EARLY, LATE, CASE = "refusals_early", "refusals_late", "refusals_case"


@dataclass(frozen=True, slots=True)
class Case:
    """What is wrong, and what is said of it: the fault and the remedy."""

    says: tuple[str, str]
    spoil: Callable[[Path], None] = lambda _data: None
    sql: str = "select 1"
    database: str = LATE
    flags: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


def gone(name: str) -> Callable[[Path], None]:
    return lambda data: (data / name).unlink()


def other(name: str) -> Callable[[Path], None]:
    return lambda data: (data / name).write_bytes(bytes(32)) and None


CASES = {
    "newer schema": Case(
        ("newer than this version: 9999_pre_later", "Run the newer version"),
        sql="insert into schema_migrations (name) values ('9999_pre_later')",
    ),
    "older schema": Case(
        ("older than this version: 0004", "secondwind migrate"),
        sql="delete from schema_migrations where name like '0004%'",
    ),
    "lost signer state": Case(("signer's state of books is lost", "Restore the signer"), gone("signer/books.json")),
    "damaged signer state": Case(("state of public is damaged", "Restore the signer"), other("signer/public.json")),
    "another key than the one that signed": Case(
        ("not the one that signs it", "keys directory"), other("keys/log-public.key")
    ),
    "lost signing key": Case(("signing key of public is lost", "keys directory"), gone("keys/log-public.key")),
    "lost batch key": Case(("key that signs batches is lost", "keys directory"), gone("keys/writer.key")),
    "lost key of the vault": Case(("vault's key is lost", "keys directory"), gone("keys/service.key")),
    "state ahead of the database": Case(("were signed", "older backup was restored"), database=EARLY),
    "origin changed": Case(("was born as", "Unset it"), environment={"SECONDWIND_ORIGIN": "other.example.org/ledger"}),
    "demo on a log that is none": Case(("--demo refused", "another --data-dir"), flags=("--demo",)),
    "live secrets on a test log": Case(
        ("Live secrets refused", "another database"), environment={"STRIPE_API_KEY": "sk_live_x"}
    ),
    "more pools than connections": Case(
        ("want 130 connections and 5 to spare; the database allows 120", "Raise max_connections"),
        environment={"SECONDWIND_PROCESSES": "5"},
    ),
    "unknown role": Case(("web,cook", "choose from"), flags=("--roles", "web,cook")),
}


@pytest.fixture(scope="module")
def born(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data directory of a log that has signed gifts, its database as template, and that before the gifts."""
    data = tmp_path_factory.mktemp("born") / "data"

    async def live() -> None:
        await executed(postgres_server, f"create database {LATE} template {TEMPLATE}")
        async with giving() as sender:
            environment = {"DATABASE_URL": postgres_server.service_url(LATE), **sender.environment}
            with service(data, **environment) as running:
                await asyncio.to_thread(running.start)
                await sender.settled(running, postgres_server.admin_url(LATE))
                await asyncio.to_thread(running.stop)
                await executed(postgres_server, f"create database {EARLY} template {LATE}")
                await asyncio.to_thread(running.start)
                await sender.give(running, 5, rate=100, seed="refusals")
                await sender.settled(running, postgres_server.admin_url(LATE))
                await asyncio.to_thread(running.stop)

    asyncio.run(live())
    yield data
    for name in (EARLY, LATE):
        asyncio.run(executed(postgres_server, f"drop database {name} with (force)"))


async def executed(server: Server, sql: str, database: str = "postgres") -> None:
    connection = await asyncpg.connect(server.admin_url(database))
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@asynccontextmanager
async def copied(server: Server, template: str) -> AsyncIterator[str]:
    await executed(server, f"create database {CASE} template {template}")
    try:
        yield CASE
    finally:
        await executed(server, f"drop database {CASE} with (force)")


async def stored(url: str) -> list[tuple[object, ...]]:
    """What the database holds, in short."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "select log, size, epoch, halted, (select count(*) from ledger_checkpoints c where c.log = h.log),"
            " (select count(*) from schema_migrations) from ledger_heads h order by log"
        )
        return [tuple(row) for row in rows]
    finally:
        await connection.close()


def files(data: Path) -> dict[str, bytes]:
    """Every file but the locks, which say who asked last."""
    found = (path for path in data.rglob("*") if path.is_file() and not path.name.startswith("lock"))
    return {str(path.relative_to(data)): path.read_bytes() for path in found}


@pytest.mark.parametrize("name", CASES)
async def test_what_is_wrong_is_one_sentence_with_its_remedy_and_nothing_is_touched(
    name: str, born: Path, postgres_server: Server, tmp_path: Path
) -> None:
    case, data = CASES[name], tmp_path / "data"
    shutil.copytree(born, data)
    case.spoil(data)
    async with copied(postgres_server, case.database) as database:
        await executed(postgres_server, case.sql, database)
        before = files(data), await stored(postgres_server.admin_url(database))
        serve = ("serve", "--port", "0", "--data-dir", str(data), *case.flags)
        environment = {"DATABASE_URL": postgres_server.service_url(database), **case.environment}
        refused(await asyncio.to_thread(run, *serve, **environment), *case.says)
        assert (files(data), await stored(postgres_server.admin_url(database))) == before


async def test_a_transaction_pooler_is_refused(born: Path, postgres_server: Server, tmp_path: Path) -> None:
    shutil.copytree(born, tmp_path / "data")
    async with copied(postgres_server, LATE) as database, wire(postgres_server.service_url(database)) as line:
        line.answers = pooled
        serve = ("serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
        done = await asyncio.to_thread(run, *serve, DATABASE_URL=line.url)
        refused(done, "connection pooler", "Connect to Postgres directly")


def test_data_of_another_major_version_of_postgres_is_refused(tmp_path: Path) -> None:
    cluster = tmp_path / "data" / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("15\n")
    done = run("serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
    refused(done, "Postgres 15", "dump and restore")
    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]
