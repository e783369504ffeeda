"""A busy year, and nothing of what it hides anywhere in public (design/ledger.md 5; attacks B1-B16, D3-D6)."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import re
import tarfile
from collections import Counter

import pytest

from tests.leaks.disguises import Private
from tests.leaks.outside import unpacked
from tests.leaks.scan import Exposed, Scanner
from tests.leaks.search import Found, search
from tests.support.postgres import Server

GIFTS = 84
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def found(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """One small year, searched."""
    return asyncio.run(search(postgres_server, tmp_path_factory.mktemp("year"), seed=4, gifts=GIFTS))


def test_no_private_value_of_a_year_can_be_seen_outside(found: Found) -> None:
    """B1-B16, D3, D5, D6: no name, id, salt, key, true fee or hidden amount, in no form, in no place."""
    assert not found.leaks, "\n".join(map(str, found.leaks[:20]))


def test_the_search_was_a_search(found: Found) -> None:
    """It knew every kind of secret, and saw every kind of public thing, with the year's gifts in them."""
    kinds = Counter(private.kind for private in found.scanner.privates)
    assert kinds["salt"] > 8 * GIFTS
    assert kinds["hidden amount"] > GIFTS / 12
    assert kinds["name"] > GIFTS / 2
    assert kinds["true fee"] >= GIFTS
    assert kinds["help amount"] > GIFTS
    assert kinds["payments_inbox.body"] > 0
    assert kinds["ledger_entries_books_0.leaf_hash"] > 2 * GIFTS
    assert kinds["key service"] == kinds["key log-public"] == 1
    places = [exposed.where for exposed in found.exposed]
    assert any(where.startswith("GET /ledger/tile/entries/") for where in places)
    assert sum(where.startswith("GET /api/v1/ledger/proof/") for where in places) > GIFTS / 2
    bundles = b"".join(one.data for one in found.exposed if one.where.startswith("GET /ledger/tile/entries/"))
    told = set(re.findall(rb'"type":"giving\.([a-z_]+\.[a-z_]+)\.v1"', bundles))
    assert told >= {b"gift.received", b"gift_batch.received", b"fees.settled", b"float.set", b"help.pooled"}
    assert b"reversals.settled" in told
    assert {"websocket", "stdout", "stderr", "GET /metrics", "GET /", "file postgres.log"} <= set(places)


def test_what_is_public_is_found_by_the_same_search(found: Found) -> None:
    """The control: were the amounts of live gifts private, the scanner would show them in tile, list and websocket."""
    live = [Private("live amount", one.payment.amount) for one in found.year.given if one.visibility == "live"]
    scanner = Scanner(live)
    seen = {exposed.where.partition("?")[0] for exposed in found.exposed for _ in scanner.leaks(exposed)}
    assert {"websocket", "GET /api/v1/ledger"} <= seen
    assert any(where.startswith("GET /ledger/tile/entries/") for where in seen)


@pytest.mark.parametrize("place", ["GET /metrics", "GET /auditor/books/checkpoint"])
def test_a_stranger_is_refused_what_is_for_operators_and_auditors(found: Found, place: str) -> None:
    """B12, B16: how much is going on behind the public log is nobody's business outside."""
    answers = [exposed.data for exposed in found.exposed if exposed.where == place]
    assert any(answer.startswith((b"401", b"403")) for answer in answers)
    status = next(exposed.data for exposed in found.exposed if exposed.where == "GET /status")
    assert not re.search(rb'"(logs|inbox|unpublished|fees_pending|projections)"', status)


def test_a_leak_is_found_in_an_archive_within_an_archive() -> None:
    private = Private("e-mail", "Thorunn.Adebayo@example.org")
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        inner = gzip.compress(b'{"to":"thorunn.adebayo@example.org"}')
        member = tarfile.TarInfo("events.ndjson.gz")
        member.size = len(inner)
        archive.addfile(member, io.BytesIO(inner))
    found = [leak.where for one in unpacked("export", made.getvalue()) for leak in Scanner([private]).leaks(one)]
    assert any("events.ndjson.gz unzipped" in where for where in found)


@pytest.mark.parametrize("kind", ["e-mail", "salt", "true fee", "hidden amount", "nonce", "key service"])
def test_one_planted_value_in_one_answer_of_a_year_is_found(found: Found, kind: str) -> None:
    private = next(private for private in found.scanner.privates if private.kind == kind)
    value = private.value
    planted = base64.b64encode(value) if isinstance(value, bytes) else str(value).encode()
    page = max(found.exposed, key=lambda exposed: exposed.where.startswith("GET /api/v1/ledger?") * len(exposed.data))
    middle = len(page.data) // 2
    spoiled = Exposed(page.where, page.data[:middle] + b' "' + planted + b'" ' + page.data[middle:])
    assert {leak.private for leak in found.scanner.leaks(spoiled)} >= {private}
