"""Routes of giving. There are none yet: the public reads the ledger itself, and staff have no login before identity."""

from __future__ import annotations

from server.http.routes import Route


def routes() -> list[Route]:
    """Return the slice's rows of the route table."""
    return []
