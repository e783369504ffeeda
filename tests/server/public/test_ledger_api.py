"""/api/v1/ledger/entries, …/proof and /api/v1/funds: the exact bytes, proved, and sums that name their position."""

from __future__ import annotations

import base64
import hashlib

import pytest

from ledger.types import Command, Draft, OwnedPosting, SealedSlots
from server.public.models import Funds
from tests.server.http.serving import Edge, assert_problem
from tests.server.public.small_log import ASSET, SmallLog, gift


async def test_an_entry_is_its_exact_bytes_under_its_leaf_hash(log: SmallLog, edge: Edge) -> None:
    await log.grow(30)
    await log.sign()
    answer = await edge.get("/api/v1/ledger/entries/29")
    tag = base64.b64encode(hashlib.sha256(b"\x00" + answer.body).digest()).decode()
    assert answer.content_type == "application/json"
    assert answer.headers["etag"] == f'"{tag}"'
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.json()["position"] == 29
    assert (await edge.get("/api/v1/ledger/entries/29", If_None_Match=f'"{tag}"')).status == 304


async def test_an_entry_that_no_checkpoint_covers_is_not_kept_for_ever(log: SmallLog, edge: Edge) -> None:
    await log.grow(30)
    assert (await edge.get("/api/v1/ledger/entries/29")).headers["cache-control"] == "no-cache"


async def test_a_proof_comes_with_the_checkpoint_and_not_before(log: SmallLog, edge: Edge) -> None:
    await log.grow(30)
    early = await edge.get("/api/v1/ledger/proof/29")
    assert_problem(early, 404, "proof-not-yet")
    assert int(early.headers["retry-after"]) > 0
    await log.sign()
    answer = await edge.get("/api/v1/ledger/proof/29")
    assert answer.status == 200
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


async def test_what_is_not_in_the_log_is_not_found(log: SmallLog, edge: Edge) -> None:
    await log.grow(30)
    await log.sign()
    for position in (30, 31, 2**53 - 1):
        for what in ("entries", "proof"):
            assert_problem(await edge.get(f"/api/v1/ledger/{what}/{position}"), 404, "entry-not-found")


@pytest.mark.parametrize("position", ["-1", "+1", "01", "1.0", "x", "9007199254740992", "%31%00", "..%2f1"])
async def test_a_position_that_is_none_is_refused(edge: Edge, position: str) -> None:
    for what in ("entries", "proof"):
        answer = await edge.get(f"/api/v1/ledger/{what}/{position}")
        assert answer.status in (400, 404)
        assert answer.content_type == "application/problem+json"


async def test_funds_fold_gifts_fees_and_what_is_at_hand(log: SmallLog, edge: Edge) -> None:
    await log.begin()
    held = Draft(
        "giving.gift.received.v1",
        {"via": "bank"},
        (OwnedPosting("assets:cash", ASSET, "tech", 10**18), OwnedPosting("income:gifts", ASSET, "tech", -(10**18))),
        private=SealedSlots(bytes(32), bytes(256), ()),
    )
    await log.writer.append(Command((gift(1), gift(2, amount=2050, fee=89), held)))
    funds = (await edge.get("/api/v1/funds")).json()
    Funds.model_validate(funds, strict=True)
    assert funds["position"] == log.size + 2
    assert [fund["fund"] for fund in funds["funds"]] == ["general", "rent", "transport", "tech"]
    by_name = {fund["fund"]: fund for fund in funds["funds"]}
    assert by_name["rent"] == {
        "fund": "rent",
        "title": "Rent",
        "restriction": "restricted",
        "assets": [{"asset": ASSET, "received_minor": "3050", "fees_minor": "148", "available_minor": "2902"}],
    }
    assert by_name["tech"]["assets"][0]["received_minor"] == "1000000000000000000"
    assert by_name["tech"]["assets"][0]["fees_minor"] == "0"
    assert by_name["general"]["assets"] == []


async def test_the_sources_other_spelling_answers_the_same(log: SmallLog, edge: Edge) -> None:
    await log.grow(30)
    for path in ("ledger", "funds", "ledger/entries/3"):
        ours, theirs = [await edge.get(f"{prefix}/{path}") for prefix in ("/api/v1", "/api/transparency")]
        assert ours.body == theirs.body
