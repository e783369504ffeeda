"""A busy year of a real service: its own parts on a real database, told that months pass. Ends at the present moment.

So the service itself can be started on what the year left, as a process with the machine's clock, and be looked at from
outside. Nothing of it is replaced but the clocks and the provider.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Final, Self
from unittest.mock import patch

import asyncpg

from server import birth, parts, roles
from server.db import Database
from server.instance import Instance
from server.parts import Parts
from server.payments import notices
from server.settings import Settings
from server.simulators.stripe.peer import StripePeer
from server.simulators.stripe.state import StripeState
from server.tasks import Tasks
from server.vault import FileKeyStore
from server.wakeups import Wakeups
from tests.leaks.outgoing import Outgoing, Paid
from tests.leaks.people import Given, People, Visibility
from tests.support.calendar import Calendar, calendar
from tests.support.postgres import SIZES, Server

ORIGIN: Final = "charity.example.org/ledger"
WEBHOOK_SECRET: Final = "whsec_8Jq2vLx0pTzR5nYw"
METRICS_TOKEN: Final = "metrics-9rTq4Vbn7Xkz2Lp"
_API_KEY: Final = "rk_test_6Hs3kVn9QxWz1Tb"
_DAYS: Final = (2, 6)
_WISHES: Final[tuple[Visibility, ...]] = ("live", "live", "quiet", "hidden")
_SETTLED_TIMEOUT_S: Final = 30.0
_HELP_AFTER: Final = 3 * len(_DAYS)
_LATER_SHARE: Final = 0.3
_POLL_S: Final = 0.02
_ROLES: Final = ("worker", "publisher", "signer")
_TOPICS: Final = ("anchors", "audit", "books", "fees", "inbox", "mix", "months", "passes", "public")


@dataclass(frozen=True, slots=True)
class Year:
    """What was given, and what a process needs to serve what is left of it."""

    given: tuple[Given, ...]
    paid: tuple[Paid, ...]
    database: str
    admin_url: str
    data_dir: Path
    environment: dict[str, str]
    derived_keys: tuple[bytes, ...]
    people: People


@contextlib.asynccontextmanager
async def lived(server: Server, directory: Path, *, seed: int, gifts: int) -> AsyncIterator[Year]:
    """Live the year before now with so many `gifts`; its database and its provider stay for the length of the block."""
    people, state = People(seed), StripeState()
    peer = StripePeer(state, _API_KEY)
    async with contextlib.AsyncExitStack() as stack:
        clock = await stack.enter_async_context(calendar(server))
        stack.push_async_callback(peer.stop)
        name: str = await clock.admin.fetchval("select current_database()")
        await clock.admin.execute(f"alter database {name} set search_path = calendar, pg_catalog, public")
        environment = {
            "DATABASE_URL": server.service_url(name),
            "SECONDWIND_ORIGIN": ORIGIN,
            "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
            "STRIPE_API_KEY": _API_KEY,
            "STRIPE_API_BASE": await peer.start(),
            "SECONDWIND_METRICS_TOKEN": METRICS_TOKEN,
        }
        settings = Settings.load({"data_dir": directory, "checkpoint_interval_s": 0.01}, environment)
        days = _days(datetime.now(UTC))
        given: list[Given] = []
        outgoing = Outgoing(people)
        with _clocks(clock):
            await clock.go_to(days[0].isoformat())
            async with _working(settings) as made:
                for number, day in enumerate(days):
                    await clock.go_to(day.isoformat())
                    if number >= _HELP_AFTER and day.day == days[0].day:
                        await outgoing.month(made, day)
                    count = (number + 1) * gifts // len(days) - number * gifts // len(days)
                    wishes = people.dice.choices(_WISHES, k=count)
                    today = [people.gift(int(day.timestamp()), wish) for wish in wishes]
                    closing = f"{day.replace(day=1) - timedelta(days=1):%Y-%m}" if number % len(_DAYS) else None
                    await _live(made, state, people, today, given[-gifts // 12 :])
                    await _settled(made, clock.admin, closing if number > len(_DAYS) else None)
                    given += today
                derived = tuple(made.vault._derived.values())
        await clock.admin.execute("update calendar.skew set skew = '0'")
        yield Year(
            tuple(given), tuple(outgoing.paid), name, server.admin_url(name), directory, environment, derived, people
        )


def _days(now: datetime) -> list[datetime]:
    """Some days of each of the twelve months before this one, at changing hours, the oldest first."""
    months = []
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(12):
        first = (first - timedelta(days=1)).replace(day=1)
        months.append(first)
    return [
        month + timedelta(days=day, hours=7 * day % 24, minutes=13 * day % 60)
        for month in reversed(months)
        for day in _DAYS
    ]


@contextlib.asynccontextmanager
async def _working(settings: Settings) -> AsyncIterator[Parts]:
    """The parts behind the edge, all at work."""
    instance = Instance(settings.data_dir)
    instance.prepare()
    assert settings.database_url is not None
    database = await Database.open(settings.database_url, SIZES)
    tasks = Tasks()
    try:
        made = await Parts.open(settings, database, FileKeyStore(instance.keys), instance, Wakeups(), tasks)
        for log in birth.SERVED_LOGS:
            await roles.signer.signer(made, log).start()
        roles.start(made, _ROLES)
        try:
            yield made
        finally:
            await tasks.stop(timeout_s=10.0)
            await made.close()
    finally:
        await database.close()


async def _live(made: Parts, state: StripeState, people: People, today: list[Given], earlier: list[Given]) -> None:
    """One day: gifts in all their disorder, and what becomes of some that were given before."""
    bodies: list[bytes] = []
    for one in today:
        state.put(one.charge())
        state.put(one.movement())
        state.put({"id": one.payment.ids.payment_intent, "object": "payment_intent", **_latest(one)})
        bodies += one.notices(people.dice)
    for one in earlier:
        if people.dice.random() < _LATER_SHARE:
            bodies += one.later_notices(people.dice)
    people.dice.shuffle(bodies)
    await asyncio.gather(*(made.inbox.file(body, notices.read(body)) for body in bodies))


def _latest(one: Given) -> dict[str, object]:
    return {"latest_charge": one.payment.ids.charge, "amount": one.payment.amount, "currency": "usd"}


async def _settled(made: Parts, admin: asyncpg.Connection, closing: str | None) -> None:
    """Wait until every notice is worked, every fee known, every entry passed on and that month told and closed."""
    deadline = time.monotonic() + _SETTLED_TIMEOUT_S
    closings = 0 if closing is None else len(birth.SERVED_LOGS)
    before: object = None
    while True:
        for topic in _TOPICS:
            made.wakeups.notify(topic)
        await asyncio.sleep(_POLL_S)
        now = await admin.fetchrow(
            """select (select count(*) from payments_inbox where state = 'new') as inbox,
                      (select count(*) from payments_pending_fees where known_zero_at is null) as fees,
                      (select count(*) from ledger_rules where kind = 'period' and name = $1) as closed,
                      (select sum(h.size - t.next) from ledger_tracking t join ledger_heads h using (log)) as lag,
                      (select sum(size) from ledger_heads) as entries,
                      (select sum(size) from (select max(size) as size from ledger_checkpoints group by log) c)
                          as signed""",
            closing,
        )
        assert now is not None
        waits = now["inbox"] or now["fees"] or now["lag"] or now["entries"] != now["signed"]
        if not waits and now["closed"] == closings and now == before:
            return
        before = now
        assert time.monotonic() < deadline, f"not settled within {_SETTLED_TIMEOUT_S} s: {now}"


@contextlib.contextmanager
def _clocks(clock: Calendar) -> Iterator[None]:
    """Every clock of the parts is this calendar's."""

    class Moment(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(clock.clock_us() / 1_000_000, tz)

    stopwatch: Callable[[], int] = lambda: clock.clock_us() * 1_000  # noqa: E731 - it closes over the calendar
    with contextlib.ExitStack() as patched:
        patched.enter_context(patch.object(parts, "time", SimpleNamespace(time_ns=stopwatch)))
        for name, module in tuple(sys.modules.items()):
            if name.startswith("server.") and getattr(module, "datetime", None) is datetime:
                patched.enter_context(patch.object(module, "datetime", Moment))
        yield
