"""Queries load, are used, and the schema as a whole equals the migrations."""

from __future__ import annotations

import re

import asyncpg
import pytest

import sql
from server.migrate import files, migrate
from tests.support.postgres import Server

ROOT = sql.ROOT.parent
OWNERS = sorted(path.stem for path in (sql.ROOT / "queries").glob("*.sql"))
SOURCES = "\n".join(path.read_text() for folder in ("ledger", "server") for path in (ROOT / folder).rglob("*.py"))

SHAPE = """
select 'column' as kind, table_name || '.' || column_name as name,
       concat_ws(' ', data_type, is_nullable, column_default, is_identity) as what
from information_schema.columns where table_schema = 'public'
union all select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
union all select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
from pg_constraint where connamespace = 'public'::regnamespace and conrelid <> 0
union all select 'trigger', tgrelid::regclass || '.' || tgname, tgenabled::text || ' ' || pg_get_triggerdef(oid)
from pg_trigger where not tgisinternal
union all select 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid)
from pg_proc p where pronamespace = 'public'::regnamespace and prokind = 'f'
order by 1, 2
"""


@pytest.mark.parametrize("owner", OWNERS)
def test_every_query_is_used(owner: str) -> None:
    unused = [name for name in sql.load(owner).names() if not re.search(rf"\.{name}\b", SOURCES)]
    assert unused == []


def test_a_query_that_does_not_exist_is_named() -> None:
    with pytest.raises(AttributeError, match="no query 'nothing'"):
        _ = sql.load("ledger").nothing


def test_migrations_are_numbered_without_a_hole() -> None:
    numbers = [int(path.name[:4]) for path in files()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert all(re.fullmatch(r"\d{4}_(pre|post)_[a-z_]+", path.stem) for path in files())


async def test_migrating_twice_changes_nothing(postgres_server: Server) -> None:
    async with postgres_server.fresh() as name:
        assert await migrate(postgres_server.admin_url(name)) == []


async def test_the_schema_file_makes_what_the_migrations_make(postgres_server: Server) -> None:
    shapes = []
    async with postgres_server.fresh() as migrated, postgres_server.fresh() as whole:
        connection = await asyncpg.connect(postgres_server.admin_url(whole))
        await connection.execute("drop schema public cascade; create schema public")
        await connection.execute((sql.ROOT / "schema.sql").read_text())
        await connection.close()
        for name in (migrated, whole):
            connection = await asyncpg.connect(postgres_server.admin_url(name))
            rows = await connection.fetch(SHAPE)
            shapes.append([tuple(row) for row in rows if "schema_migrations" not in row["name"]])
            await connection.close()
    assert shapes[0] == shapes[1]
    assert len(shapes[0]) > 100
