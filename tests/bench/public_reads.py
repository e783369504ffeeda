"""How long the public side takes to answer over a long log: every kind of page, a trial balance, a consistency proof.

Run it with `python -m tests.bench.public_reads [ENTRIES]`, or call `measure`. The log is written straight into the
tables, as nobody may in service, and folded by the projection that does it in service; requests go over a socket, one
after another, with other values each time. Milliseconds are those of the caller.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median, quantiles
from urllib.parse import urlencode

import asyncpg

from ledger import canonical, edges, merkle
from ledger.tiles import TILE_WIDTH
from ledger.types import Entry, Posting, StoredEntry
from server import chart
from server.db import Database
from server.http import cursors
from server.public.projection import ListsProjection
from server.public.routes import routes
from tests.server.http.serving import Edge, serving
from tests.support.postgres import SIZES, Server, running_server

ENTRIES = 1_000_000
REQUESTS = 200
CHUNK = 16_384
PARTITION_ENTRIES = 1_048_576
MONTHS = [f"{year}-{month:02d}" for year in range(2021, 2026) for month in range(1, 13)]
FUNDS = ("general", "rent", "transport", "tech")
RARE_FUND = "coats"
RARE_EVERY = 9_973
LATE_EVERY = 101
GIFT, SPENDING, ANCHOR = "giving.gift.received.v1", "giving.spending.paid.v1", "ledger.anchor.recorded.v1"
VENDORS = [f"{name}-{trade}" for name in ("acme", "birch", "crane") for trade in ("homes", "buses", "phones", "power")]
RARE_TYPE = "ledger.incident.declared.v1"
ASSETS = ("USD/2",) * 8 + ("EUR/2", "JPY")
SPENT_ON = [account.path for account in chart.PUBLIC_ACCOUNTS if account.path.startswith(("expenses:", "assets:float"))]

Query = Callable[[random.Random, int], dict[str, object]]
"""A query of one kind, for a log of so many entries."""

KINDS: dict[str, Query] = {
    "no filter": lambda _draw, _size: {},
    "no filter, limit 200": lambda _draw, _size: {"limit": 200},
    "no filter, deep": lambda draw, size: {"before": cursors.encode("ledger", draw.randrange(size))},
    "fund": lambda draw, _size: {"fund": draw.choice(FUNDS)},
    "fund, limit 200": lambda draw, _size: {"fund": draw.choice(FUNDS), "limit": 200},
    "fund, deep": lambda draw, size: {
        "fund": draw.choice(FUNDS), "before": cursors.encode("ledger", draw.randrange(size // 2))
    },
    "rare fund": lambda _draw, _size: {"fund": RARE_FUND},
    "category": lambda draw, _size: {"category": draw.choice(("assets", "income", "expenses:processing"))},
    "type": lambda draw, _size: {"type": draw.choice((GIFT, SPENDING, ANCHOR))},
    "rare type": lambda _draw, _size: {"type": RARE_TYPE},
    "period": lambda draw, _size: {"period": draw.choice(MONTHS)},
    "fund and period": lambda draw, _size: {"fund": draw.choice(FUNDS), "period": draw.choice(MONTHS)},
    "fund and period, newer": lambda draw, size: {
        "fund": draw.choice(FUNDS), "period": draw.choice(MONTHS),
        "after": cursors.encode("ledger", draw.randrange(size)),
    },
    "amount": lambda draw, _size: {"asset": "USD/2", "amount_from": 10 ** draw.randrange(7)},
    "a common word": lambda draw, _size: {"q": draw.choice(("gift", "rent", "spending"))},
    "some words": lambda draw, _size: {"q": draw.choice(("gift rent usd", "transport help", "processing tech"))},
    "a vendor": lambda draw, _size: {"q": draw.choice(VENDORS)},
    "a vendor, oldest, of a fund": lambda draw, _size: {
        "q": draw.choice(VENDORS), "fund": draw.choice(FUNDS), "order": "oldest"
    },
    "a word of no entry": lambda _draw, _size: {"q": "unicorn"},
    "words and period": lambda draw, _size: {"q": "gift rent", "period": draw.choice(MONTHS)},
    "everything": lambda draw, _size: {
        "fund": draw.choice(FUNDS), "category": "income", "type": GIFT, "period": draw.choice(MONTHS),
        "asset": "USD/2", "amount_from": 100, "amount_below": 10_000,
    },
}  # fmt: skip


async def measure(server: Server, entries: int = ENTRIES, requests: int = REQUESTS) -> dict[str, dict[str, float]]:
    """By kind of request: `p50_ms`, `p95_ms` and `max_ms` of `requests` answers, over a log in a fresh database."""
    draw = random.Random(entries)  # noqa: S311 - the same log and the same questions each time
    async with server.fresh() as name:
        await load(server.admin_url(name), entries)
        database = await Database.open(server.service_url(name), SIZES)
        try:
            async with serving(routes(database.reader)) as edge:
                found = {
                    kind: await _ask(edge, _paths(query, draw, entries), requests) for kind, query in KINDS.items()
                }
                sizes = (draw.randrange(1, entries) for _ in itertools.count())
                found["trial balance"] = await _ask(edge, (f"/trial-balance?at={size}" for size in sizes), requests)
                found["consistency"] = await _ask(edge, (f"/consistency?from={size}" for size in sizes), requests)
                return found
        finally:
            await database.close()


async def load(admin_url: str, entries: int) -> None:
    """Write a log of so many entries, spread evenly over five years, with its lists, tiles and one checkpoint."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("select ledger_add_partitions('public', $1, $2)", entries, PARTITION_ENTRIES)
        await _declare(connection)
        frontier = merkle.Frontier()
        made = _entries(entries)
        while chunk := list(itertools.islice(made, CHUNK)):
            for _, _, _, _, _, _, leaf_hash in chunk:
                frontier.append(leaf_hash)
            await connection.copy_records_to_table("ledger_entries", records=chunk)
            stored = [StoredEntry(row[1], row[2], row[4], row[5], row[6]) for row in chunk]
            async with connection.transaction():
                await ListsProjection().apply(connection, stored)
        # An hour's worth of entries at a time, as the signer would see them: tiles grow at the right.
        for first in range(0, entries, TILE_WIDTH * TILE_WIDTH):
            grown = await edges.tile_growth("public", connection, first, min(first + TILE_WIDTH * TILE_WIDTH, entries))
            await connection.executemany(
                "insert into ledger_tiles values ('public', $1, $2, $3)"
                " on conflict (log, level, n) do update set hashes = excluded.hashes",
                grown,
            )
        await connection.execute(
            "insert into ledger_checkpoints values ('public', $1, $2, 'not signed: a bench', 0)",
            entries,
            frontier.root(),
        )
        # As autovacuum does within a minute or so.
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


async def _declare(connection: asyncpg.Connection) -> None:
    types = {name: {} for name in (GIFT, SPENDING, ANCHOR, RARE_TYPE)}
    registry = {"registry": json.dumps({"guards": {}, "types": types})}
    rules = [
        ("public", "type", "registry", 0, json.dumps(registry)),
        *(("public", "fund", fund, 0, "{}") for fund in (*FUNDS, RARE_FUND)),
        *(
            ("public", "account", account.path, 0, json.dumps({"assets": sorted(set(ASSETS))}))
            for account in chart.PUBLIC_ACCOUNTS
        ),
    ]
    await connection.executemany("insert into ledger_rules values ($1, $2, $3, $4, $5::jsonb)", rules)


def _entries(count: int) -> Iterator[tuple[str, int, str, str, int, bytes, bytes]]:
    """Rows of `ledger_entries`: gifts, spending, anchors and a few rare ones, a sixtieth of them in each month."""
    draw = random.Random(1)  # noqa: S311 - amounts of a bench
    prev = canonical.EMPTY_HASH
    for position in range(count):
        month = position * len(MONTHS) // count
        late = month and position % LATE_EVERY == 0
        kind, postings = _event(draw, position)
        entry = Entry(
            log="bench.example.org/ledger",
            position=position,
            prev=prev,
            at_us=(1_609_459_200 + position) * 1_000_000,
            period=MONTHS[month - 1 if late else month],
            type=kind,
            data={"vendor": draw.choice(VENDORS)} if kind == SPENDING else {"via": "processor"},
            postings=postings,
        )
        content = canonical.encode_entry(entry)
        prev = canonical.leaf_hash(content)
        yield "public", position, kind, entry.period, entry.at_us, content, prev


def _event(draw: random.Random, position: int) -> tuple[str, tuple[Posting, ...]]:
    fund = RARE_FUND if position % RARE_EVERY == 0 else draw.choice(FUNDS)
    asset, amount = draw.choice(ASSETS), int(draw.lognormvariate(8.5, 1.5)) + 100
    if position % (5 * RARE_EVERY) == 1:
        return RARE_TYPE, ()
    if position % 20 == 0 and fund != RARE_FUND:
        return ANCHOR, ()
    if position % 10 == 1:
        account = draw.choice(SPENT_ON)
        return SPENDING, (Posting("assets:cash", asset, fund, -amount), Posting(account, asset, fund, amount))
    fee = amount * 3 // 100 + 30
    return GIFT, (
        Posting("assets:cash", asset, fund, amount),
        Posting("expenses:processing", asset, fund, fee),
        Posting("income:gifts", asset, fund, -amount),
        Posting("liabilities:accrued_fees", asset, fund, -fee),
    )


def _paths(query: Query, draw: random.Random, entries: int) -> Iterator[str]:
    while True:
        yield f"?{urlencode(query(draw, entries))}"


async def _ask(edge: Edge, paths: Iterator[str], requests: int) -> dict[str, float]:
    """Ask `requests` times, after a few that warm the connection and its statements."""
    took_ms = []
    for path in itertools.islice(paths, requests + 10):
        started = time.perf_counter()
        answer = await edge.get(f"/api/v1/ledger{path}", Accept_Encoding="gzip")
        took_ms.append((time.perf_counter() - started) * 1000)
        if answer.status != 200:
            raise AssertionError(f"{path} was answered {answer.status}: {answer.body!r}")
    took_ms = took_ms[10:]
    return {
        "p50_ms": round(median(took_ms), 2),
        "p95_ms": round(quantiles(took_ms, n=20)[-1], 2),
        "max_ms": round(max(took_ms), 2),
    }


def main() -> None:
    """Measure, and print one line per kind of request."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES
    with running_server() as server:
        for kind, figures in asyncio.run(measure(server, entries)).items():
            told = "".join(f"  {name} {value:8.2f}" for name, value in figures.items())
            sys.stdout.write(f"{kind:24}{told}\n")


if __name__ == "__main__":
    main()
