"""What is answered about a size of the log is proved by the answer's own members, and nothing beyond them is said."""

from __future__ import annotations

import base64
import random
from collections import defaultdict
from dataclasses import replace
from typing import Any

import orjson
import pytest

from ledger import checkpoint, merkle, postings
from ledger.types import Draft
from server.public.models import ConsistencyAnswer, TrialBalanceAnswer
from tests.server.http.serving import Edge, assert_problem
from tests.server.public.c2sp_client import leaf
from tests.server.public.small_log import KEY, SmallLog, gift

PATH = "/api/v1/ledger/consistency"
BALANCES = "/api/v1/ledger/trial-balance"
SIGNED = (40, 256, 300, 515)
SIZES = (1, 2, 3, 39, 40, 41, 255, 256, 257, 300, 511, 512, 513, 515)


@pytest.fixture
async def leaves(log: SmallLog) -> list[bytes]:
    """A log that was signed at several sizes; its leaf hashes, from the bytes."""
    for size in SIGNED:
        await log.grow(size)
        await log.sign()
    rows = await log.database.reader.fetch("select bytes from ledger_entries_public order by position")
    return [leaf(row["bytes"]) for row in rows]


def hashes(texts: list[str]) -> list[bytes]:
    return [base64.b64decode(text) for text in texts]


def verify(answer: Any, leaves: list[bytes]) -> checkpoint.Checkpoint:
    """Everything a reader can check: both paths, the checkpoint's signature, and here the roots from the leaves too."""
    ConsistencyAnswer.model_validate(answer, strict=True)
    root_from, root_to = hashes([answer["root_from"], answer["root_to"]])
    assert (root_from, root_to) == (merkle.root(leaves[: answer["from"]]), merkle.root(leaves[: answer["to"]]))
    merkle.verify_consistency(answer["from"], answer["to"], root_from, root_to, hashes(answer["proof"]))
    head = checkpoint.open(answer["checkpoint"], KEY.vkey)
    merkle.verify_consistency(answer["to"], head.size, root_to, head.root_hash, hashes(answer["checkpoint_proof"]))
    return head


async def test_every_smaller_size_is_proved_to_be_the_beginning_of_every_larger_one(
    edge: Edge, leaves: list[bytes]
) -> None:
    for last in SIZES:
        for first in (size for size in SIZES if size <= last):
            answer = (await edge.get(f"{PATH}?from={first}&to={last}")).json()
            assert (answer["from"], answer["to"]) == (first, last)
            head = verify(answer, leaves)
            assert head.size == min(size for size in SIGNED if size >= last)


async def test_without_a_larger_size_it_is_that_of_the_newest_checkpoint(
    log: SmallLog, edge: Edge, leaves: list[bytes]
) -> None:
    await log.grow(520)
    answer = await edge.get(f"{PATH}?from=300")
    assert verify(answer.json(), leaves).size == answer.json()["to"] == 515
    assert answer.json()["checkpoint_proof"] == []
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.usefixtures("leaves")
async def test_what_was_proved_of_two_named_sizes_is_the_same_for_ever(log: SmallLog, edge: Edge) -> None:
    before = await edge.get(f"{PATH}?from=7&to=270")
    assert before.headers["cache-control"] == "public, max-age=31536000, immutable"
    await log.grow(600)
    await log.sign()
    after = await edge.get(f"{PATH}?from=7&to=270")
    assert after.body == before.body
    assert (await edge.get(f"{PATH}?from=7&to=270", If_None_Match=before.headers["etag"])).status == 304


async def test_a_size_that_no_checkpoint_covers_is_not_proved_yet(log: SmallLog, edge: Edge) -> None:
    assert_problem(await edge.get(f"{PATH}?from=1"), 404, "proof-not-yet")
    await log.grow(30)
    assert "of 0 it can" in assert_problem(await edge.get(f"{PATH}?from=1"), 404, "proof-not-yet")["detail"]
    await log.sign()
    await log.grow(50)
    for query in ("from=31", "from=1&to=31", "from=31&to=31", f"from=1&to={2**53 - 1}"):
        early = await edge.get(f"{PATH}?{query}")
        detail = assert_problem(early, 404, "proof-not-yet")["detail"]
        assert "of 30 it can" in detail
        assert int(early.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("query", "pointer", "named"),
    [
        ("", "?from", "from"),
        ("to=5", "?from", "from"),
        ("from=0", "?from", "'0'"),
        ("from=-1", "?from", "'-1'"),
        ("from=01", "?from", "'01'"),
        ("from=x", "?from", "'x'"),
        ("from=1&to=0", "?to", "'0'"),
        ("from=1&to=9007199254740992", "?to", "'9007199254740992'"),
        ("from=1&from=2", "?from", "from"),
        ("from_=1", "?from", "from"),
        ("from=9&to=8", "?from", "9 is larger than to, 8: ask from the smaller size"),
    ],
)
@pytest.mark.usefixtures("leaves")
async def test_sizes_that_are_none_are_refused_by_name(edge: Edge, query: str, pointer: str, named: str) -> None:
    body = assert_problem(await edge.get(f"{PATH}?{query}"), 400, "invalid-input")
    assert body["pointer"] == pointer
    assert named in body["detail"]


async def test_a_checkpoint_ahead_of_the_entries_held_proves_nothing(log: SmallLog, edge: Edge) -> None:
    await log.grow(40)
    await log.sign()
    await log.insert_checkpoint(999, bytes(32), "ahead")
    assert (await edge.get(f"{PATH}?from=40")).json()["to"] == 40
    assert_problem(await edge.get(f"{PATH}?from=40&to=41"), 404, "proof-not-yet")


def folded(entries: list[bytes]) -> dict[tuple[str, str, str], int]:
    """The balances by the plainest way there is: every posting of every entry."""
    sums: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for data in entries:
        for line in orjson.loads(data)["postings"]:
            sums[line["account"], line["asset"], line["fund"]] += int(line["amount"])
    return {triple: total for triple, total in sums.items() if total}


@pytest.fixture
async def varied(log: SmallLog) -> list[bytes]:
    """A log with gifts of many amounts in every fund, some of which sum to nothing again; its entries."""
    await log.begin()
    draw = random.Random(7)  # noqa: S311 - amounts, not secrets
    for _ in range(12):
        gifts = [gift(0, draw.choice(["rent", "tech", "general"]), draw.randrange(1, 10**6)) for _ in range(20)]
        returned = [back(one) for one in gifts if draw.random() < 0.2]
        await log.append(*gifts, *returned, gift(1, "transport", 10**20), back(gift(1, "transport", 10**20)))
        await log.sign()
    await log.fold()
    rows = await log.database.reader.fetch("select bytes from ledger_entries_public order by position")
    return [row["bytes"] for row in rows]


def back(draft: Draft) -> Draft:
    """The same money the other way."""
    return replace(draft, postings=tuple(replace(posting, amount=-posting.amount) for posting in draft.postings))


async def test_a_trial_balance_is_the_fold_of_exactly_that_many_entries(edge: Edge, varied: list[bytes]) -> None:
    leaves = [leaf(data) for data in varied]
    for size in (1, 5, *range(30, len(varied), 11), len(varied)):
        answer = (await edge.get(f"{BALANCES}?at={size}", Accept_Encoding="identity")).json()
        TrialBalanceAnswer.model_validate(answer, strict=True)
        assert (answer["size"], answer["position"]) == (size, size - 1)
        found = {
            (line["account"], line["asset"], line["fund"]): int(line["balance_minor"]) for line in answer["balances"]
        }
        assert found == folded(varied[:size])
        assert list(found) == sorted(found)
        assert base64.b64decode(answer["digest"]) == postings.balances_hash(found)
        for purpose in {triple[1:] for triple in found}:
            assert sum(amount for triple, amount in found.items() if triple[1:] == purpose) == 0
        root, *way = hashes([answer["root"], *answer["checkpoint_proof"]])
        head = checkpoint.open(answer["checkpoint"], KEY.vkey)
        assert root == merkle.root(leaves[:size])
        merkle.verify_consistency(size, head.size, root, head.root_hash, way)


async def test_the_newest_trial_balance_is_the_ledgers_own(log: SmallLog, edge: Edge, varied: list[bytes]) -> None:
    answer = (await edge.get(BALANCES, Accept_Encoding="identity")).json()
    assert answer["size"] == len(varied)
    rows = await log.database.reader.fetch("select * from ledger_balances_public where balance <> 0")
    assert {(row["account"], row["asset"], row["fund"]): int(row["balance"]) for row in rows} == {
        (line["account"], line["asset"], line["fund"]): int(line["balance_minor"]) for line in answer["balances"]
    }


@pytest.mark.usefixtures("varied")
async def test_a_trial_balance_at_a_named_size_is_the_same_for_ever(log: SmallLog, edge: Edge) -> None:
    before = await edge.get(f"{BALANCES}?at=100", Accept_Encoding="identity")
    assert before.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (await edge.get(BALANCES, Accept_Encoding="identity")).headers["cache-control"] == "no-cache"
    await log.append(gift(1))
    await log.sign()
    await log.fold()
    after = await edge.get(f"{BALANCES}?at=100", Accept_Encoding="identity", If_None_Match=before.headers["etag"])
    assert (after.status, after.headers["etag"]) == (304, before.headers["etag"])


async def test_balances_reach_as_far_as_both_checkpoint_and_lists(log: SmallLog, edge: Edge) -> None:
    assert_problem(await edge.get(BALANCES), 404, "proof-not-yet")
    await log.grow(40)
    await log.fold()
    assert_problem(await edge.get(f"{BALANCES}?at=1"), 404, "proof-not-yet")
    await log.sign()
    await log.grow(50)
    await log.sign()
    assert (await edge.get(BALANCES, Accept_Encoding="identity")).json()["size"] == 40
    early = await edge.get(f"{BALANCES}?at=41")
    assert "Of 41 entries nothing" in assert_problem(early, 404, "proof-not-yet")["detail"]
    assert int(early.headers["retry-after"]) > 0


@pytest.mark.parametrize("query", ["at=0", "at=-1", "at=1.0", "at=", "at=x", "at=1&at=1", "size=1"])
async def test_a_size_that_is_none_has_no_balances(edge: Edge, query: str) -> None:
    assert_problem(await edge.get(f"{BALANCES}?{query}"), 400, "invalid-input")
