"""The bench of the public side asks what it says, of a log that is what it says."""

from __future__ import annotations

from tests.bench.public_reads import KINDS, measure
from tests.support.postgres import Server

REQUESTS = 2


async def test_every_kind_of_request_is_measured(postgres_server: Server) -> None:
    found = await measure(postgres_server, entries=3_000, requests=REQUESTS)
    assert found.keys() == {*KINDS, "trial balance", "consistency"}
    assert all(0 < figures["p50_ms"] <= figures["max_ms"] for figures in found.values())
