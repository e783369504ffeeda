"""Searches as CSV: every posting of what fits, once, whatever grows meanwhile, and no cell that runs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from ledger.facts import fact
from server.db import Database
from server.exports import routes, sheet
from server.exports.shelf import Shelf
from server.exports.source import Source
from server.http.streaming import Streams
from server.public import routes as public
from server.public.chosen import ChosenReads
from server.public.lists import ListReads
from server.public.reads import Page, PublicReads
from tests.server.http.serving import Answer, Edge, assert_problem, serving
from tests.server.public.small_log import ORIGIN, SmallLog, gift, small_log

PATH = "/api/v1/ledger/export.csv"
QUERIES = [
    "",
    "fund=tech",
    "fund=tech&asset=USD/2&amount_from=1000&amount_below=10000",
    "category=expenses",
    "type=giving.gift.received.v1",
    "q=rent",
    "type=ledger.fund.declared.v1",
]
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@pytest.fixture
async def log(database: Database, tmp_path: Path) -> AsyncIterator[SmallLog]:
    """Gifts to two funds, in the lists too."""
    async with small_log(database, tmp_path) as made:
        await made.grow(60)
        await made.append(
            *(gift(made.size + n, fund=("rent", "tech")[n % 2], amount=10 ** (2 + n % 4)) for n in range(90))
        )
        await made.sign()
        await made.fold()
        yield made


@pytest.fixture
async def edge(log: SmallLog, tmp_path: Path) -> AsyncIterator[Edge]:
    reader, streams = log.database.reader, Streams()

    async def none(*_: object) -> None:
        raise AssertionError("no export is asked for here")

    shelf = Shelf(tmp_path / "shelf", none)
    table = routes.routes(
        routes.ExportAPI(Source(reader, "public"), ORIGIN, shelf, streams),
        sheet.SheetAPI(ChosenReads(PublicReads(reader), ListReads(reader)), streams),
    )
    async with serving([*table, *public.routes(reader)]) as running:
        yield running


def rows(answer: Answer) -> list[dict[str, str]]:
    assert (answer.status, answer.content_type) == (200, "text/csv; charset=utf-8; header=present")
    return list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))


async def listed(edge: Edge, query: str) -> list[dict[str, Any]]:
    """The entries that the list shows for a query, oldest first."""
    found, path = [], f"/api/v1/ledger?order=oldest&limit=50{query}"
    while True:
        page = (await edge.get(path, Accept_Encoding="identity")).json()
        found += [orjson.loads(one["entry"]) for one in page["entries"]]
        if "next" not in page:
            return found
        path = f"/api/v1/ledger?order=oldest&limit=50{query}&after={page['next']}"


async def test_a_search_is_a_line_per_posting_of_every_entry_that_the_list_shows(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet, "ENTRIES_PER_READ", 7)
    for query in QUERIES:
        expected = [
            (str(entry["position"]), line["account"], line["fund"], line["amount"])
            for entry in await listed(edge, f"&{query}" if query else "")
            for line in entry["postings"]
        ]
        found = rows(await edge.get(f"{PATH}?{query}"))
        assert [(row["position"], row["account"], row["fund"], row["amount_minor"]) for row in found] == expected
        assert bool(expected) == (query != "type=ledger.fund.declared.v1"), query


async def test_no_cell_is_a_formula(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Formula injection. Even a hash is one when it begins with a plus sign, and one in 64 does: here all of them."""
    monkeypatch.setattr(sheet, "fact", lambda content, _leaf_hash: fact(content, b"\xfb" * 32))
    found = rows(await edge.get(PATH))
    cells = [cell for row in found for cell in row.values()]
    assert not [cell for cell in cells if cell[:1] in "=+@\t\r" and cell]
    assert all(NUMBER.fullmatch(cell) for cell in cells if cell.startswith("-"))
    assert any(cell.startswith("'+") for cell in cells)


async def test_what_is_appended_meanwhile_is_not_in_it(
    edge: Edge, log: SmallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ETag is the size it was made at."""
    monkeypatch.setattr(sheet, "ENTRIES_PER_READ", 40)
    whole = await edge.get(PATH)
    read = PublicReads.page

    async def growing(self: PublicReads, *arguments: object) -> Page:
        page = await read(self, *arguments)  # type: ignore[arg-type]  # as it was called
        await log.append(gift(log.size))
        return page

    monkeypatch.setattr(PublicReads, "page", growing)
    meanwhile = await edge.get(PATH)
    assert meanwhile.headers["etag"] == whole.headers["etag"]
    assert meanwhile.body == whole.body
    later = await edge.get(PATH, If_None_Match=whole.headers["etag"])
    assert (later.status, later.headers["etag"] != whole.headers["etag"]) == (200, True)


async def test_nothing_is_sent_twice_and_a_filter_that_nothing_fits_is_a_problem(edge: Edge) -> None:
    whole = await edge.get(PATH)
    assert (await edge.get(PATH, If_None_Match=whole.headers["etag"])).status == 304
    assert whole.headers["content-disposition"] == 'attachment; filename="ledger-150.csv"'
    assert_problem(await edge.get(f"{PATH}?fund=nowhere"), 400, "invalid-input")
    assert_problem(await edge.get(f"{PATH}?limit=5"), 400, "invalid-input")
