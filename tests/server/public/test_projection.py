"""The lists of `public` are a fold of its entries: the same in one step or many, and when they are built again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ledger import times
from ledger.reader import LogReader
from ledger.types import Draft
from server.public.projection import ListsProjection
from tests.server.public.small_log import SmallLog, gift

EVERYTHING = """
select l.type, l.account, l.asset, l.fund, l.digits, l.late, l.total, array_agg(n.position order by n.position) as at,
       array_agg(n.total order by n.position) as totals
from public_lists l join public_lines n on n.list = l.id group by l.id order by 1, 2, 3, 4, 5, 6
"""


async def everything(log: SmallLog) -> list[tuple[Any, ...]]:
    months = await log.database.reader.fetch("select * from public_months order by period, late")
    texts = await log.database.reader.fetch("select position, period, words::text from public_texts order by position")
    return [tuple(row) for row in (*await log.database.reader.fetch(EVERYTHING), *months, *texts)]


async def build(log: SmallLog, steps: Sequence[int]) -> None:
    """Build the lists again, with so many entries at a time."""
    stored = await LogReader(log.database.writer, "public").entries(0, log.size)
    async with log.database.writer.acquire() as connection, connection.transaction():
        await connection.execute(
            "delete from public_lists; delete from public_lines; delete from public_months; delete from public_texts"
        )
        start = 0
        for count in steps:
            await ListsProjection().apply(connection, stored[start : start + count])
            start += count
        assert start >= len(stored)


def late(draft: Draft, period: str) -> Draft:
    return replace(draft, period=period)


@pytest.fixture
async def mixed(log: SmallLog) -> SmallLog:
    """Gifts in several funds and of several sizes; some come after the month they belong to."""
    await log.begin()
    [row] = await log.database.reader.fetch("select period from ledger_entries_public where position = 0")
    before = times.month_before(row["period"])
    await log.append(
        gift(1), gift(2, "tech", 12), late(gift(3), before), gift(4, "rent", 7), late(gift(5, "tech"), before)
    )
    await log.append(gift(6, "general", 10**20), gift(7))
    return log


async def test_built_step_by_step_it_is_what_it_is_built_at_once(mixed: SmallLog) -> None:
    await mixed.fold()
    once = await everything(mixed)
    assert len(once) > 10
    for steps in ([1] * mixed.size, [mixed.size], [3] * mixed.size):
        await build(mixed, steps)
        assert await everything(mixed) == once


async def test_a_list_ends_in_the_sum_of_its_lines(mixed: SmallLog) -> None:
    await mixed.fold()
    lists = [row for row in await everything(mixed) if len(row) == 9]
    assert all(row[6] == row[8][-1] for row in lists)
    wrong = await mixed.database.reader.fetchval(
        "select count(*) from public_lists l where count <> (select count(*) from public_lines where list = l.id)"
    )
    assert wrong == 0
    rent = next(row for row in lists if row[1:6] == ("assets:cash", "USD/2", "rent", 4, False))
    assert [int(total) for total in rent[8]] == [1000, 2000]


async def test_every_line_of_a_late_range_is_of_its_month(mixed: SmallLog) -> None:
    await mixed.fold()
    strangers = await mixed.database.reader.fetchval(
        "select count(*) from public_lists l join public_lines n on n.list = l.id"
        " join public_months m on m.late = l.late and n.position between m.first and m.last"
        " join ledger_entries_public e on e.position = n.position where e.period <> m.period"
    )
    months = await mixed.database.reader.fetch("select late, last - first as span from public_months order by late")
    assert strangers == 0
    assert [(row["late"], row["span"]) for row in months] == [(False, mixed.size - 1), (True, 2)]


async def test_the_reader_may_read_the_lists_and_change_nothing(mixed: SmallLog) -> None:
    await mixed.fold()
    assert await mixed.database.reader.fetchval("select count(*) from public_lines") > 0
    for table in ("public_lists", "public_lines", "public_months", "public_texts"):
        allowed = await mixed.database.reader.fetchval(
            "select has_table_privilege($1, 'insert') or has_table_privilege($1, 'update')"
            " or has_table_privilege($1, 'delete')",
            table,
        )
        assert allowed is False
