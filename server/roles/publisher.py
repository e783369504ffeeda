"""The publisher's role: tells `public` what the policy lets it tell of `books`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import sql
from ledger.reader import LogReader
from server import birth
from server.loops import follow
from server.parts import clock_us
from server.publishing.publisher import Publisher

if TYPE_CHECKING:
    from server.parts import Parts


def start(parts: Parts) -> None:
    """Set the publisher's tasks to work."""
    parts.tasks.start("publisher", partial(follow, parts.wakeups, "books", _publisher(parts).step))


def _publisher(parts: Parts) -> Publisher:
    return Publisher(
        pool=parts.database.publisher,
        queries=sql.load("publishing"),
        books=LogReader(parts.database.publisher, "books"),
        books_origin=parts.identities["books"].origin,
        books_registry=birth.registry("books"),
        public=parts.writers["public"],
        public_origin=parts.identities["public"].origin,
        public_registry=birth.registry("public"),
        time_zone=ZoneInfo(parts.identities["public"].time_zone),
        vault=parts.vault,
        clock=clock_us,
    )
