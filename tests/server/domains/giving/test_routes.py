"""Giving serves nothing of its own yet: the public reads the ledger."""

from __future__ import annotations

from server.domains.giving.routes import routes


def test_there_is_no_way_to_gifts_before_there_is_a_login() -> None:
    assert routes() == []
