"""The publisher: tells `public` what the policy lets it tell of `books`, anchors the other logs, closes months."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sql
from ledger.anchor import ANCHORED
from ledger.reader import LogReader
from server import birth
from server.birth import SERVED_LOGS
from server.closing.closer import POLL_INTERVAL_S as MONTHS_POLL_S
from server.closing.closer import Closer
from server.loops import follow
from server.parts import clock_us
from server.publishing.anchors import POLL_INTERVAL_S as ANCHORS_POLL_S
from server.publishing.anchors import Anchors
from server.publishing.mix import POLL_INTERVAL_S as MIX_POLL_S
from server.publishing.mix import Mix
from server.publishing.passes import POLL_INTERVAL_S as PASSES_POLL_S
from server.publishing.passes import MonthlyPasses
from server.publishing.publisher import Publisher

if TYPE_CHECKING:
    from ledger.types import LogName
    from server.parts import Parts


def start(parts: Parts) -> None:
    """Set the publisher's tasks to work."""
    parts.tasks.start("publisher", partial(follow, parts.wakeups, "books", Publisher(**_telling(parts)).step))
    public: dict[str, Any] = {"public_reader": LogReader(parts.database.publisher, "public"), "random": os.urandom}
    mix = Mix(**_telling(parts), **public)
    parts.tasks.start("mix", partial(follow, parts.wakeups, "mix", mix.step, poll_interval_s=MIX_POLL_S))
    passes = MonthlyPasses(**_telling(parts), **public)
    monthly = partial(follow, parts.wakeups, "passes", passes.step, poll_interval_s=PASSES_POLL_S)
    parts.tasks.start("monthly passes", monthly)
    anchors = partial(follow, parts.wakeups, "anchors", _anchors(parts).step, poll_interval_s=ANCHORS_POLL_S)
    parts.tasks.start("anchors", anchors)
    for log in SERVED_LOGS:
        closer = partial(
            follow, parts.wakeups, "months", _closer(parts, log, passes).step, poll_interval_s=MONTHS_POLL_S
        )
        parts.tasks.start(f"closer of {log}", closer)


def _anchors(parts: Parts) -> Anchors:
    readers = {log: LogReader(parts.database.publisher, log) for log in ANCHORED}
    return Anchors(readers, parts.writers["public"], clock_us, os.urandom)


def _closer(parts: Parts, log: LogName, passes: MonthlyPasses) -> Closer:
    if log == "public":
        return Closer(parts.database.publisher, parts.readers[log], parts.writers[log], clock_us, passes.is_done)
    return Closer(parts.database.writer, parts.readers[log], parts.writers[log], clock_us)


def _telling(parts: Parts) -> dict[str, Any]:
    """What every way of publishing takes."""
    return {
        "pool": parts.database.publisher,
        "queries": sql.load("publishing"),
        "books": LogReader(parts.database.publisher, "books"),
        "books_origin": parts.identities["books"].origin,
        "books_registry": birth.registry("books"),
        "public": parts.writers["public"],
        "public_origin": parts.identities["public"].origin,
        "public_registry": birth.registry("public"),
        "time_zone": ZoneInfo(parts.identities["public"].time_zone),
        "vault": parts.vault,
        "clock": clock_us,
    }
