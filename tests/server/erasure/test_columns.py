"""Every column that could hold something of a person is registered, with what an erasure does to it (D4)."""

from __future__ import annotations

from server.db import Database
from server.erasure.columns import COLUMNS, Holds

WIDE = """
select c.relname as table, a.attname as column
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_type t on t.oid = a.atttypid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  and a.attnum > 0 and not a.attisdropped and t.typcategory not in ('N', 'D', 'B', 'T')
"""
"""Columns that are neither numbers nor times nor yes and no."""
TABLES = """
select relname from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
"""


async def test_no_column_is_unregistered_and_none_is_registered_in_vain(database: Database) -> None:
    in_schema = {(row["table"], row["column"]) for row in await database.writer.fetch(WIDE)}
    registered = {(table, column) for table, columns in COLUMNS.items() for column in columns}
    assert in_schema - registered == set(), "say in server/erasure/columns.py what it holds, and have it erased"
    assert registered - in_schema == set()


async def test_every_table_was_thought_about(database: Database) -> None:
    assert {row["relname"] for row in await database.writer.fetch(TABLES)} == set(COLUMNS)


def test_each_kind_of_data_says_what_ends_it() -> None:
    used = {holds for columns in COLUMNS.values() for holds in columns.values()}
    assert used == set(Holds)
