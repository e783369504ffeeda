"""What guards cost: they read what they look at, however many owners there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import orjson
import pytest

import sql
from server.db import Database

OWNERS = 20_000
ONE = sql.load("ledger").guard_balances
FUNDS = ["general", "rent", "tech"]
CASH, OWNER = ["assets:cash"], b"\x11" * 32


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of a plan that read a table."""
    if "Relation Name" in plan:
        yield plan
    for below in plan.get("Plans", ()):
        yield from scans(below)


@pytest.mark.parametrize(
    ("looks", "rows"),
    [
        (([], [], CASH, FUNDS, [OWNER]), 1),
        ((CASH, ["tech"], [], FUNDS, []), 1),
        ((CASH, ["tech"], CASH, FUNDS, [OWNER]), 2),
    ],
    ids=["one owner", "a fund without owners", "both"],
)
async def test_a_guard_reads_by_the_key_and_only_the_funds_and_owners_it_looks_at(
    database: Database, postgres_admin: Callable[[str], Awaitable[str]], looks: tuple[Any, ...], rows: int
) -> None:
    """Attacks C1, C2: a decision about one gift must not cost more with every other gift, under everybody's lock."""
    await postgres_admin(
        "insert into ledger_balances select 'books', 'assets:cash', sha256(n::text::bytea), 'USD/2', 'rent', 5, n"
        f" from generate_series(1, {OWNERS}) n"
    )
    await postgres_admin(
        "insert into ledger_balances values ('books', 'assets:cash', '', 'USD/2', 'tech', 7, 1),"
        f" ('books', 'assets:cash', '\\x{OWNER.hex()}', 'USD/2', 'rent', 9, 1)"
    )
    await postgres_admin("analyze ledger_balances")
    async with database.writer.acquire() as connection:
        text = await connection.fetchval(f"explain (analyze, format json) {ONE}", "books", ["USD/2"], *looks)
    plan = orjson.loads(text)[0]["Plan"]
    read = [scan for scan in scans(plan) if scan["Actual Loops"]]
    assert sum(scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) for scan in read) <= rows
    assert {scan["Node Type"] for scan in read} <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}
