"""Logins: one that migrates, one that serves, and what is said when they are mixed up."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from server.db import Database
from server.errors import StartRefused
from server.migrate import connect, files, login_of, migrate
from tests.support.postgres import Server


async def login(postgres_server: Server, name: str) -> str:
    """A new login, and its URL for a fresh database's owner to admit."""
    connection = await asyncpg.connect(postgres_server.admin_url("postgres"))
    await connection.execute(f"drop role if exists {name}")
    await connection.execute(f"create role {name} login password 'p%w'")
    await connection.close()
    return name


async def test_a_login_that_was_not_admitted_is_refused_with_the_remedy(postgres_server: Server) -> None:
    async with postgres_server.fresh() as database:
        name = await login(postgres_server, "stranger")
        url = postgres_server.service_url(database).replace(
            postgres_server.service_url(database).split("//")[1].split("@")[0], f"{name}:p%25w"
        )
        with pytest.raises(StartRefused, match="secondwind migrate"):
            await Database.open(url)
        await migrate(postgres_server.admin_url(database), login_of(url))
        opened = await Database.open(url)
        assert opened.separated
        assert await opened.reader.fetchval("select current_user") == "secondwind_reader"
        await opened.close()


async def test_one_login_for_everything_works_and_says_that_it_is_weaker(postgres_server: Server) -> None:
    async with postgres_server.fresh() as database:
        opened = await Database.open(postgres_server.admin_url(database))
        assert not opened.separated
        await opened.close()


async def test_a_newer_and_an_older_schema_are_refused(postgres_server: Server) -> None:
    async with postgres_server.fresh() as database:
        connection = await asyncpg.connect(postgres_server.admin_url(database))
        await connection.execute("insert into schema_migrations (name) values ('9999_pre_later')")
        with pytest.raises(StartRefused, match="newer than this version"):
            await Database.open(postgres_server.service_url(database))
        with pytest.raises(StartRefused, match="newer than this version"):
            await migrate(postgres_server.admin_url(database))
        await connection.execute("delete from schema_migrations where name ~ '^(9999|0005)'")
        with pytest.raises(StartRefused, match="older than this version"):
            await Database.open(postgres_server.service_url(database))
        await connection.close()


@pytest.mark.parametrize("url", ["nonsense", "postgres://a:b@127.0.0.1:1/x", "postgres://[bad"])
async def test_an_unusable_url_is_one_sentence(url: str) -> None:
    with pytest.raises(StartRefused, match="DATABASE_URL"):
        await connect(url)


async def test_a_wrong_password_and_a_missing_database_are_told_apart(postgres_server: Server) -> None:
    good = postgres_server.admin_url("postgres")
    with pytest.raises(StartRefused, match="user or password"):
        await connect(good.replace("postgres:", "postgres:x", 1).replace("postgresql:x", "postgresql:", 1))
    with pytest.raises(StartRefused, match="does not exist"):
        await connect(good.replace("/postgres?", "/nowhere?"))


async def test_two_at_once_apply_each_migration_once(postgres_server: Server) -> None:
    async with postgres_server.fresh() as database:
        connection = await asyncpg.connect(postgres_server.admin_url(database))
        await connection.execute("drop schema public cascade; create schema public")
        await connection.close()
        url = postgres_server.admin_url(database)
        applied = await asyncio.gather(*(migrate(url, "secondwind_service") for _ in range(3)))
        assert sorted(map(len, applied)) == [0, 0, len(files())]
        assert await migrate(url) == []
