"""/api/v1/ledger: every page, every cursor, every filter, both ways."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from ledger import times
from ledger.types import Draft, OwnedPosting
from server.http import cursors
from server.public.models import LedgerPage
from tests.server.http.serving import Edge, assert_problem
from tests.server.public.c2sp_client import leaf
from tests.server.public.small_log import ASSET, SmallLog, gift

PATH = "/api/v1/ledger"


async def all_pages(edge: Edge, limit: int) -> list[Any]:
    entries: list[Any] = []
    path: str | None = f"/api/v1/ledger?limit={limit}"
    while path is not None:
        answer = await edge.get(path, Accept_Encoding="identity")
        page = answer.json()
        LedgerPage.model_validate(page, strict=True)
        entries += page["entries"]
        path = f"/api/v1/ledger?limit={limit}&before={page['next']}" if "next" in page else None
    return entries


@pytest.mark.parametrize("limit", [7, 50, 200])
async def test_pages_hold_every_entry_once_newest_first(log: SmallLog, edge: Edge, limit: int) -> None:
    await log.grow(255)
    entries = await all_pages(edge, limit)
    assert [entry["position"] for entry in entries] == list(range(254, -1, -1))
    for entry in entries:
        text = orjson.loads(entry["entry"])
        assert (text["position"], text["type"], text["at"], text["period"]) == (
            entry["position"], entry["type"], entry["at"], entry["period"],
        )  # fmt: skip
        assert base64.b64decode(entry["leaf_hash"]) == leaf(entry["entry"].encode())


async def test_pages_stay_whole_while_the_log_grows(log: SmallLog, edge: Edge) -> None:
    await log.grow(40)
    first = (await edge.get("/api/v1/ledger?limit=10", Accept_Encoding="identity")).json()
    await log.grow(60)
    second = await edge.get(f"/api/v1/ledger?limit=10&before={first['next']}", Accept_Encoding="identity")
    assert [entry["position"] for entry in second.json()["entries"]] == list(range(29, 19, -1))
    assert second.json()["size"] == 60


async def test_an_empty_log_is_an_empty_page(edge: Edge) -> None:
    assert (await edge.get("/api/v1/ledger")).json() == {"size": 0, "entries": []}


async def test_the_tag_of_a_page_comes_from_the_size_alone(log: SmallLog, edge: Edge) -> None:
    await log.grow(30)
    answer = await edge.get("/api/v1/ledger", Accept_Encoding="identity")
    assert answer.headers["etag"] == '"size-30"'
    assert (await edge.get("/api/v1/ledger", Accept_Encoding="identity", If_None_Match='"size-30"')).status == 304
    await log.grow(31)
    assert (await edge.get("/api/v1/ledger", Accept_Encoding="identity", If_None_Match='"size-30"')).status == 200


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "0",
        "12",
        "%00",
        "' or 1=1",
        "AAAAAAAAAAAAAAAAAA",
        cursors.encode("gifts", 7),
        "a" * 64,
        "=" * 20,
        "%F0%9F%92%A9",
    ],
)
async def test_a_cursor_that_was_not_handed_out_is_refused(edge: Edge, cursor: str) -> None:
    body = assert_problem(await edge.get(f"/api/v1/ledger?before={cursor.replace(' ', '%20')}"), 400, "cursor-invalid")
    assert body["pointer"] == "?before"


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=-1", "limit=", "limit=1.5", "before=" + "a" * 65])
async def test_a_query_outside_the_limits_is_refused(edge: Edge, query: str) -> None:
    assert_problem(await edge.get(f"/api/v1/ledger?{query}"), 400, "invalid-input")


async def test_a_cursor_beyond_the_end_begins_at_the_end(log: SmallLog, edge: Edge) -> None:
    await log.grow(30)
    far = cursors.encode("ledger", 2**63 - 1)
    page = (await edge.get(f"/api/v1/ledger?limit=1&before={far}", Accept_Encoding="identity")).json()
    assert page["entries"][0]["position"] == 29
    last = cursors.encode("ledger", 0)
    assert (await edge.get(f"/api/v1/ledger?before={last}")).json() == {"size": 30, "entries": []}


async def ask(edge: Edge, **query: object) -> Any:
    answer = await edge.get(f"{PATH}?{urlencode(query)}", Accept_Encoding="identity")
    assert answer.status == 200, answer.body
    page = answer.json()
    LedgerPage.model_validate(page, strict=True)
    assert answer.headers["etag"] == f'"size-{page["size"]}"'
    return page


def positions(page: Any) -> list[int]:
    return [entry["position"] for entry in page["entries"]]


async def walk(edge: Edge, link: str, cursor: str, page: Any, **query: object) -> list[list[int]]:
    """The pages from one on, by following one of its links to the end."""
    found = [positions(page)]
    while link in page:
        page = await ask(edge, **query, **{cursor: page[link]})
        found.append(positions(page))
    return found


def moved(asset_fund_amount: tuple[str, str, int]) -> Draft:
    """Money between two accounts of one fund, as a bank would tell."""
    fund, account, amount = asset_fund_amount
    legs = (OwnedPosting(account, ASSET, fund, amount), OwnedPosting("assets:cash", ASSET, fund, -amount))
    return replace(gift(0), postings=legs)


@pytest.fixture
async def varied(log: SmallLog) -> list[Any]:
    """A log with several funds, accounts, amounts and months, some of it late; its entries as objects."""
    await log.begin()
    [row] = await log.database.reader.fetch("select period from ledger_entries_public where position = 0")
    before = times.month_before(row["period"])
    shapes = [gift(1), gift(2, "tech", 99), gift(3, "rent", 100), moved(("rent", "expenses:help:rent", 12_345))]
    for number in range(24):
        some = shapes[number % 4]
        await log.append(replace(some, period=before) if number % 5 == 0 else some, gift(number, "general", 10**number))
    await log.fold()
    rows = await log.database.reader.fetch("select bytes from ledger_entries_public order by position desc")
    return [orjson.loads(row["bytes"]) for row in rows]


def fits(entry: Any, query: dict[str, str]) -> bool:
    """The rule, as the description states it."""
    least, below = int(query.get("amount_from", 1)), int(query.get("amount_below", 10**31))
    if query.get("type", entry["type"]) != entry["type"] or query.get("period", entry["period"]) != entry["period"]:
        return False
    if not query.keys() - {"type", "period"}:
        return True
    return any(
        query.get("fund", line["fund"]) == line["fund"]
        and query.get("asset", line["asset"]) == line["asset"]
        and f"{line['account']}:".startswith(f"{query.get('category', line['account'])}:")
        and least <= abs(int(line["amount"])) < below
        for line in entry["postings"]
    )


CHOICES = {
    "fund": (None, "rent", "transport"),
    "category": (None, "expenses", "assets:cash"),
    "type": (None, "giving.gift.received.v1", "ledger.fund.declared.v1"),
    "period": (None, "this", "before", "1999-12"),
    "amount": (None, {"amount_from": "100"}, {"amount_from": "10", "amount_below": "100000", "asset": ASSET}),
}


async def test_every_combination_of_filters_finds_exactly_what_fits(edge: Edge, varied: list[Any]) -> None:
    this = varied[-1]["period"]
    named = {"this": this, "before": times.month_before(this)}
    for choice in itertools.product(*CHOICES.values()):
        query = {
            name: named.get(value, value) for name, value in zip(CHOICES, choice, strict=True) if isinstance(value, str)
        }
        amount = choice[-1]
        query |= {"asset": ASSET, **amount} if isinstance(amount, dict) else {}
        expected = [entry["position"] for entry in varied if fits(entry, query)]
        assert positions(await ask(edge, **query, limit=200)) == expected, query


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"fund": "rent"},
        {"category": "expenses"},
        {"type": "giving.gift.received.v1"},
        {"fund": "rent", "period": ""},
    ],
)
@pytest.mark.parametrize("limit", [1, 7, 12])
async def test_pages_lead_to_the_oldest_and_back_to_the_newest(
    edge: Edge, varied: list[Any], query: dict[str, str], limit: int
) -> None:
    if "period" in query:
        query = {**query, "period": varied[-1]["period"]}
    expected = [entry["position"] for entry in varied if fits(entry, query)]
    newest = await ask(edge, **query, limit=limit)
    assert "previous" not in newest
    down = await walk(edge, "next", "before", newest, **query, limit=limit)
    assert list(itertools.chain(*down)) == expected
    assert [len(page) for page in down[:-1]] == [limit] * (len(down) - 1)
    oldest = await ask(edge, **query, limit=limit, after=cursors.encode("ledger", down[-1][-1]))
    up = await walk(edge, "previous", "after", oldest, **query, limit=limit)
    assert list(itertools.chain(*reversed(up))) == expected[:-1]


@pytest.mark.usefixtures("varied")
@pytest.mark.parametrize("query", [{}, {"fund": "rent"}, {"q": "received rent"}])
async def test_the_oldest_come_first_when_asked_for(edge: Edge, query: dict[str, str]) -> None:
    newest_first = [position for page in await pages(edge, **query) for position in page]
    ways = await pages(edge, order="oldest", **query)
    assert list(itertools.chain(*ways)) == newest_first[::-1]
    assert len(ways) > 1


async def pages(edge: Edge, **query: str) -> list[list[int]]:
    """All pages, from the first one on."""
    cursor = "after" if "order" in query else "before"
    return await walk(edge, "next", cursor, await ask(edge, limit=7, **query), limit=7, **query)


FOUND: dict[str, Callable[[Any], bool]] = {
    "gifts": lambda entry: entry["type"] == "giving.gift.received.v1" or "ift" in str(entry["data"].get("title")),
    "GIFT received tech": lambda entry: entry["type"] == "giving.gift.received.v1" and has(entry, fund="tech"),
    "helped rents": lambda entry: has(entry, account="expenses:help:rent") or declares(entry, "expenses:help:rent"),
    "usd technology": lambda entry: has(entry, fund="tech"),
    "vendors": lambda entry: declares(entry, "liabilities:vendors"),
    "the unicorn": lambda _entry: False,
}


def has(entry: Any, **names: str) -> bool:
    return any(names.items() <= line.items() for line in entry["postings"])


def declares(entry: Any, account: str) -> bool:
    return entry["data"].get("account") == account


@pytest.mark.parametrize("typed", FOUND)
async def test_words_are_found_in_names_titles_and_own_texts(edge: Edge, varied: list[Any], typed: str) -> None:
    expected = [entry["position"] for entry in varied if FOUND[typed](entry)]
    assert positions(await ask(edge, q=typed, limit=200)) == expected
    assert bool(expected) == ("unicorn" not in typed)


async def test_words_keep_to_whatever_else_is_asked_for(log: SmallLog, edge: Edge, varied: list[Any]) -> None:
    for number in range(5):
        await log.append(Draft("ledger.incident.declared.v1", {"text": f"Vendors were paid late, {number}"}))
    await log.fold()
    late = await ask(edge, q="vendor being late", limit=3)
    assert positions(late) == [log.size - 1, log.size - 2, log.size - 3]
    assert positions(await ask(edge, q="vendor being late", limit=3, before=late["next"])) == [
        log.size - 4,
        log.size - 5,
    ]
    assert positions(await ask(edge, q="vendor", type="ledger.account.declared.v1")) == [
        entry["position"] for entry in varied if declares(entry, "liabilities:vendors")
    ]
    assert positions(await ask(edge, q="vendor", fund="rent")) == []
    assert positions(await ask(edge, q="vendor", period="1999-01")) == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [("the", "in too many texts"), ("%21", "no word in '!'"), ("a+b+c+d+e+f+g+h+i", "9 words"), ("%00", "no word")],
)
async def test_what_cannot_be_looked_for_is_said(log: SmallLog, edge: Edge, typed: str, said: str) -> None:
    await log.begin()
    body = assert_problem(await edge.get(f"{PATH}?q={typed}"), 400, "invalid-input")
    assert (body["pointer"], said in body["detail"]) == ("?q", True), body


async def test_a_page_that_others_follow_names_them(log: SmallLog, edge: Edge, varied: list[Any]) -> None:
    page = await ask(edge, fund="rent", limit=3)
    await log.append(gift(1), gift(2))
    await log.fold()
    newer = await ask(edge, fund="rent", limit=3, after=cursors.encode("ledger", positions(page)[0]))
    assert positions(newer) == [log.size - 1, log.size - 2]
    assert "previous" not in newer
    assert positions(await ask(edge, fund="rent", limit=3, before=newer["next"])) == positions(page)
    assert (page["size"], newer["size"]) == (len(varied), log.size)


async def test_a_filter_looks_as_far_as_the_lists_reach_and_says_so(log: SmallLog, edge: Edge) -> None:
    await log.grow(40)
    assert await ask(edge, fund="rent") == {"size": 0, "entries": []}
    await log.fold()
    await log.grow(50)
    page = await ask(edge, fund="rent", limit=2)
    assert (page["size"], positions(page)) == (40, [39, 38])
    tag = '"size-40"'
    assert (await edge.get(f"{PATH}?fund=rent", Accept_Encoding="identity", If_None_Match=tag)).status == 304
    await log.fold()
    assert (await edge.get(f"{PATH}?fund=rent", Accept_Encoding="identity", If_None_Match=tag)).status == 200


@pytest.mark.parametrize(
    ("query", "pointer", "said"),
    [
        ("fund=coats", "?fund", "declared no 'coats'. One of: general, rent, tech, transport."),
        ("fund=", "?fund", "at least 1 character"),
        ("fund=Rent", "?fund", "'Rent'"),
        ("fund=%00", "?fund", "declared no"),
        ("type=giving.gift.received", "?type", "giving.gift.received.v1"),
        ("asset=USD", "?asset", "One of: USD/2."),
        ("category=expense", "?category", "declared no 'expense'. One of: assets, assets:cash"),
        ("category=expenses:", "?category", "declared no 'expenses:'"),
        ("period=2026-13", "?period", "'2026-13'"),
        ("period=2026-9", "?period", "'2026-9'"),
        ("amount_from=10", "?asset", "as USD/2"),
        ("amount_below=10", "?asset", "as USD/2"),
        ("asset=USD/2&amount_from=1234", "?amount_from", "'1234'"),
        ("asset=USD/2&amount_from=-10", "?amount_from", "'-10'"),
        ("asset=USD/2&amount_below=1" + "0" * 32, "?amount_below", "amount_below"),
        ("asset=USD/2&amount_from=100&amount_below=100", "?amount_from", "100 is not below amount_below, 100"),
        ("fund=rent&fund=tech", "?fund", "more than once"),
        ("account=assets:cash", "?account", "account"),
        ("amount=1000", "?amount", "amount"),
        ("category=" + "a" * 129, "?category", "at most 128 characters"),
    ],
)
async def test_a_filter_that_nothing_could_fit_is_refused_by_name(
    log: SmallLog, edge: Edge, query: str, pointer: str, said: str
) -> None:
    await log.begin()
    body = assert_problem(await edge.get(f"{PATH}?{query}"), 400, "invalid-input")
    assert body["pointer"] == pointer
    assert said in body["detail"]


async def test_a_page_lies_on_one_side_of_one_cursor(edge: Edge) -> None:
    cursor = cursors.encode("ledger", 5)
    body = assert_problem(await edge.get(f"{PATH}?before={cursor}&after={cursor}"), 400, "invalid-input")
    assert body["pointer"] == "?after"
    assert_problem(await edge.get(f"{PATH}?after=nothing"), 400, "cursor-invalid")


@pytest.mark.parametrize("position", [2**53 - 1, 2**53, 2**63 - 1])
@pytest.mark.parametrize("query", ["", "fund=rent&"])
async def test_after_the_end_there_is_nothing(log: SmallLog, edge: Edge, position: int, query: str) -> None:
    await log.grow(30)
    await log.fold()
    page = await edge.get(f"{PATH}?{query}after={cursors.encode('ledger', position)}")
    assert page.json() == {"size": 30, "entries": []}
