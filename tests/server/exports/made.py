"""A log of four months with two closes, four currencies and two phases, in a database, ready to be exported."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from ledger.canonical import leaf_hash
from ledger.checkpoint import Checkpoint
from ledger.export import Range
from ledger.merkle import Frontier
from ledger.registry import Registry
from server import chart
from server.domains.giving.events import PUBLIC_TYPES
from server.exports.maker import make
from server.exports.papers import keep_papers
from server.exports.source import Source
from server.vault import FileKeyStore
from tests.support.loaded import load
from tests.vectors.logs import HELD, LogMaker, line, postings, private

GIFT = next(spec for spec in PUBLIC_TYPES if spec.name == "giving.gift.received.v1")
ASSETS = ["EUR/2", "JPY", "KWD/3", "USD/2"]
CHECKPOINT_EVERY = 97


@dataclass
class Exported:
    """A log in a database. `closes` are the positions of its closes, `resolved` a pending one and what voided it."""

    maker: LogMaker
    pool: asyncpg.Pool
    admin: asyncpg.Connection
    keys: FileKeyStore
    closes: list[int] = field(default_factory=list)
    resolved: tuple[int, int] = (0, 0)

    @property
    def source(self) -> Source:
        return Source(self.pool, self.maker.log)

    def range(self, first: int, end: int) -> Range:
        return Range(self.maker.log, self.maker.key.name, first, end)

    async def export(self, first: int, end: int, out: Path) -> bytes:
        await make(self.source, self.range(first, end), out, lambda _done, _total: None, store=self.keys)
        return await asyncio.to_thread(out.read_bytes)

    async def sign_anew(self) -> None:
        """One more entry, and a checkpoint over it."""
        size, maker = self.maker.checker.size, self.maker
        maker.add(maker.documents[-1]["at"], "ledger.anchor.recorded.v1", {"commitment": maker.documents[-1]["prev"]})
        entry, document = maker.entries[-1], maker.documents[-1]
        await self.admin.execute(
            "insert into ledger_entries values ('public', $1, $2, $3, 0, $4, $5)",
            *(size, document["type"], document["period"], entry, leaf_hash(entry)),
        )
        root = maker.checker.frontier.root()
        await self.admin.execute(
            "insert into ledger_checkpoints values ('public', $1, $2, $3, 0)", size + 1, root, maker.checkpoint()
        )


def grown(gifts: int = 600) -> tuple[LogMaker, list[int], tuple[int, int]]:
    """The log, its closes, and one entry that resolves an earlier one, months before."""
    registry = Registry([*PUBLIC_TYPES, HELD], chart.PUBLIC_GUARDS)
    log = LogMaker("exported", "public", "ledger.example.org/ledger", 5, registry)
    names = ("assets:cash", "assets:cash:rent", "expenses:processing", "income:gifts", "liabilities:accrued_fees")
    accounts = dict.fromkeys(names, ASSETS)
    log.open("2026-06-01T12:00:00.000000Z", accounts, ["general", "rent", "tech"])
    pending = log.checker.size
    held = [line("assets:cash", 700, "rent"), line("income:gifts", -700, "rent")]
    log.add(
        "2026-06-02T00:00:00.000000Z",
        HELD.name,
        {},
        postings=held,
        phase="pending",
        expires_at="2026-12-01T00:00:00.000000Z",
    )
    closes: list[int] = []
    resolving = 0
    for number in range(gifts):
        month, day = 6 + number * 4 // gifts, 3 + number * 4 % gifts * 24 // gifts
        at = f"2026-{month:02}-{day:02}T10:00:00.000000Z"
        if day >= 12 and len(closes) < month - 6 < 3:
            closes.append(log.checker.size)
            log.close(at, f"2026-{month - 1:02}")
        late = {"period": f"2026-{month - 1:02}"} if len(closes) < month - 6 and number % 7 == 0 else {}
        asset = ASSETS[number % len(ASSETS)]
        fund = ("general", "rent", "tech")[number % 3]
        lines = [{**posting, "asset": asset} for posting in postings(fund, 1_000 + number, 59)]
        if number == gifts - 5:
            resolving = log.checker.size
            back = [line("assets:cash", -700, "rent"), line("income:gifts", 700, "rent")]
            log.add(at, HELD.name, {}, postings=back, phase="voided", refers_to=[pending])
        log.add(at, GIFT.name, {"via": "bank"}, postings=lines, private=private(GIFT, {}), **late)
    return log, closes, (pending, resolving)


async def exported(pool: asyncpg.Pool, admin: asyncpg.Connection, directory: Path) -> Exported:
    """Put the log into the database, with many checkpoints and what its exports carry."""
    maker, closes, resolved = grown()
    await load(admin, maker)
    frontier = Frontier()
    for position, entry in enumerate(maker.entries):
        frontier.append(leaf_hash(entry))
        size = position + 1
        if size % CHECKPOINT_EVERY == 0:
            note = maker.key.sign(Checkpoint(maker.key.name, size, frontier.root()).text())
            await admin.execute(
                "insert into ledger_checkpoints values ($1, $2, $3, $4, 0)", maker.log, size, frontier.root(), note
            )
    keys = FileKeyStore(directory / "keys")
    await keep_papers(admin, maker.log, maker.key, keys)  # type: ignore[arg-type]  # fetch and execute, as a pool has
    return Exported(maker, pool, admin, keys, closes, resolved)
