"""Statements that run inside an append's own transaction of `public`, by the name a command asks for them.

The composition root hands them to the writer of `public`: what is told, and that it is told, are durable together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import sql
from server.publishing import anchors, publisher, telling

_QUERIES = sql.load("publishing")
COMPANIONS: Final[Mapping[str, str]] = {
    anchors.COMPANION: _QUERIES.anchor_companion,
    publisher.COMPANION: _QUERIES.publisher_companion,
    telling.TOLD: _QUERIES.told_companion,
}
